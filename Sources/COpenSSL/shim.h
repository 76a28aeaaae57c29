// The door from Swift to OpenSSL. Only the modules TLS and Crypto may import it.
#ifndef OBIE_TOKENS_COPENSSL_SHIM_H
#define OBIE_TOKENS_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#endif
