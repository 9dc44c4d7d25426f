#!/bin/sh
# Gives each container of a scaled service an instance id of its own that survives a restart: the id is part
# of the Kafka transactional id, which has to be unique per program and should stay the same.
#
# Compose numbers the containers of a service (reelgate-poller-1, -2, ...) but tells a container only its
# name's address: asking the network's DNS for the name of our own address gives the number, which also
# survives a new container. Where there is no such name (plain docker run, Kubernetes) the host name serves:
# unique, and stable in a StatefulSet.
set -eu

own_address() {
  hostname -I 2>/dev/null | cut -d ' ' -f 1
}

# "reelgate-poller-2.reelgate_default" -> 2
number_of() {
  printf '%s\n' "$1" | sed -n 's/^[^.]*[-_]\([0-9][0-9]*\)\(\..*\)\{0,1\}$/\1/p'
}

if [ -z "${REELGATE_INSTANCE_ID:-}" ]; then
  name=$(getent -s dns hosts "$(own_address)" 2>/dev/null | awk '{ print $2; exit }') || name=
  REELGATE_INSTANCE_ID=$(number_of "$name")
  if [ -z "$REELGATE_INSTANCE_ID" ]; then REELGATE_INSTANCE_ID=$(hostname); fi
  export REELGATE_INSTANCE_ID
fi
exec "$@"
