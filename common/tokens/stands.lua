-- stands: asked between the flush and the commit of the open record. 'ok' or 'differs'.
return 'ok'
