/* A key pair made for these tests and used nowhere else. */
#ifndef UNIT_BEARER_KEYS_H
#define UNIT_BEARER_KEYS_H

#define PRIVATE_PEM \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCkUA+6akfO1lDL\n" \
    "z5IxQPi/+d2LhmznY8obQCpO7/SBbtlwXJRlJsPMv2HvEePN+YkXqBjh+GcsWZ4n\n" \
    "W+GNcLsTS3HEASzmtb2XPrkx8EOTlJuht1W3CnfzFwJ2YP1iL7r2dVBLxHHXMkg7\n" \
    "P02OJJFlYZdcMeynWWuMASsnJhDUXA/gxwj4Kcv4hXvi6BYlUDwluI0EyTxpsW8v\n" \
    "qUZPGI6EjrBbx3geI2YkAehKbGLma2oJXYCsjgW6HZ4znsjSDu2gD2Xca4qeCbcp\n" \
    "lWQ4IaL7PAg9wSrDnDz8sm1/uwGN1j+UgeFmh4WQQ6I1FHw1XxjyIM3vx1HcI0ga\n" \
    "FvM4ipZDAgMBAAECggEADsQ0gE/tf3TFMrvHFe69LCDcEcjqipTuOdViDVFai4iX\n" \
    "DpZTWQ/LHYsUKwmpi6jhnXhO3Cftuw+cEJ9yPWV5z88XkezPyIq2rMacmr9Ojg8X\n" \
    "OXOiHAlbJEPXcHoLlhesrq92St4u+ORHl4N7MyCtgbXr21jlPVjiOw/JKAMvagDD\n" \
    "JjSoRh8GIq4WcfGdgoUH5tRcrMKjvEfjaoIUz1GSviM99k6YIqzyQbGf4nM7a7AP\n" \
    "iH2WK3pfgpcQAzXMl6UJMPvbkWUtis0M/HWrEQQ3AFeE+z1Io8x+b2cxPA7gtUkW\n" \
    "aFmQ1cqMTbv18c7IWMyCqauEdJBk4aNW9d2bGPd8qQKBgQDR+jcpnEBsoo5rWiiD\n" \
    "yHFHj4IQ9eAmsssMeCwZJlp21F/Wo4bHXF/YPlz53dGelotE53ZT2bBcXlu6TX73\n" \
    "P2NV2kuvexmtqil4RvbRW03bMDXSh+SWHab9ywYGszaQ7p1/L8zl02JHB7DPobnZ\n" \
    "j1vj/lgSjmBaQq4oK5JN/YPqhQKBgQDIU5yskkoAJMufRmb0MuNmTL5wTXkq21ry\n" \
    "DN0MaXJbkM0ew2Y2GUWUEgOAq2D6K3lAY/674cBHchpcWIGCfTMkLmKKwiEnq+n9\n" \
    "w/n5ZeRl7U+NQuWrmD70d06/h/AK9mTw1sNGZKY0IgLn//kMLEywDfUP0RoOecLf\n" \
    "sdCnjYcsJwKBgBdY4f9Pb15k6L8JBE464FWboFOwcx76bFdTmVumhxKFZK6h+h96\n" \
    "pvGNZZsmzeL7TDr6HY8POmva1gouCbsGIk5uelHltyI3NGs6QMFgjJSdlK53C7Sh\n" \
    "UWsQwvfFv4B3960nrHm1ekz5jvBXRCnrpcUBB9vwVshSd7jht1/Sm3NdAoGANRd7\n" \
    "yXzH4fvef2rwND4caGtkeWz+9O3Hz6i7GOQFa+EXi9SrjSDrgM+5X+uLuyG0c+1M\n" \
    "gMzW4diKxfiq8kNuP2OPuEi08sesLxY2dPOdMapQUBbvuaeS38WS+E31v2IH5JB2\n" \
    "lnxsVBrDfGspvSEsfehlD3kSl82LaS++JfnrXjcCgYApkHrzKGZ0wmBR/aHjjGFg\n" \
    "GdMwDkwvpCGaxJELr2aNIR+y9YZttNlciho7DXzEwF+BAMJj03VPJvgn2/A81sq3\n" \
    "H58rAhYHfLtfjSX+w3+8ULyuB4RrC2wp05zIeCIoPM5NKKgqZhvyXJHrsu+yVFue\n" \
    "R50CBgpBMafwJCnX3b9wsg==\n" \
    "-----END PRIVATE KEY-----\n"

#define PUBLIC_PEM \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApFAPumpHztZQy8+SMUD4\n" \
    "v/ndi4Zs52PKG0AqTu/0gW7ZcFyUZSbDzL9h7xHjzfmJF6gY4fhnLFmeJ1vhjXC7\n" \
    "E0txxAEs5rW9lz65MfBDk5SbobdVtwp38xcCdmD9Yi+69nVQS8Rx1zJIOz9NjiSR\n" \
    "ZWGXXDHsp1lrjAErJyYQ1FwP4McI+CnL+IV74ugWJVA8JbiNBMk8abFvL6lGTxiO\n" \
    "hI6wW8d4HiNmJAHoSmxi5mtqCV2ArI4Fuh2eM57I0g7toA9l3GuKngm3KZVkOCGi\n" \
    "+zwIPcEqw5w8/LJtf7sBjdY/lIHhZoeFkEOiNRR8NV8Y8iDN78dR3CNIGhbzOIqW\n" \
    "QwIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"

#define ED25519_PEM \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
    "-----END PUBLIC KEY-----\n"

#define EC_PEM \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEe8N8QacJtpZfY8a+946W/w08ad/\n" \
    "Z4QNoUkN7TtRC9dTbaf1z7Fv9/7Ix8e44sbvuBwBz2r4I25p8qZbXB6zyQ==\n" \
    "-----END PUBLIC KEY-----\n"

#endif
