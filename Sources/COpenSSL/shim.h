// The door from Swift to OpenSSL. Only the modules Certificates, Crypto and TLS may import it.
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

#include "certificates.h"

// What the module Crypto needs besides.
#include <openssl/hmac.h>
#include <openssl/rand.h>

// For TLS: what ssl.h and bio.h have as macros.

/// No resumption by tickets, no renegotiation, no compression; the order of suites is ours.
static inline void obie_tls_options(SSL_CTX *context) {
    SSL_CTX_clear_options(context, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
}

/// Nothing more can be read now; the caller is to come again.
static inline void obie_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void obie_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

/// A new key on P-256, which the caller frees.
static inline EVP_PKEY *obie_make_key(void) { return EVP_EC_gen("P-256"); }

#endif
