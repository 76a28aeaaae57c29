// A library context of OpenSSL that reads certificates faster.
//
// OpenSSL 3.0 looks for a decoder of each certificate's key anew, among all hundred that it has, and asks each of them for
// its names under locks. Here it has the dozen that read keys out of certificates; all else is the default provider's.
#ifndef OBIE_TOKENS_COPENSSL_CERTIFICATES_H
#define OBIE_TOKENS_COPENSSL_CERTIFICATES_H

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <string.h>

enum { OBIE_DECODERS_MAX = 64 };

// Each module has these for itself, and one Swift file of it may use them. Without initial values Swift leaves them out.
static OSSL_PROVIDER *obie_default_provider = NULL;
// Ends with an entry without names.
static OSSL_ALGORITHM obie_decoders[OBIE_DECODERS_MAX + 1] = {{NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *obie_query(void *context, int operation, int *must_ask_again) {
    (void)context;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(obie_default_provider, operation, must_ask_again);
    return operation == OSSL_OP_DECODER ? obie_decoders : all;
}

static int obie_get_capabilities(void *context, const char *name, OSSL_CALLBACK *each, void *argument) {
    (void)context;
    return OSSL_PROVIDER_get_capabilities(obie_default_provider, name, each, argument);
}

static const OSSL_DISPATCH obie_dispatch[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))obie_query},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))obie_get_capabilities},
    {0, NULL}};

/// Algorithms get the default provider's own context: they are its algorithms.
static int obie_start_provider(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *from_core,
                               const OSSL_DISPATCH **offered, void **context) {
    (void)core, (void)from_core;
    *offered = obie_dispatch;
    *context = OSSL_PROVIDER_get0_provider_ctx(obie_default_provider);
    return 1;
}

static int obie_is_default(OSSL_PROVIDER *provider, void *unused) {
    (void)unused;
    return strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}

/// The decoders of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); returns how many there are.
static int obie_choose_decoders(void) {
    int must_ask_again = 0, count = 0;
    const OSSL_ALGORITHM *each =
        OSSL_PROVIDER_query_operation(obie_default_provider, OSSL_OP_DECODER, &must_ask_again);
    for (; each != NULL && each->algorithm_names != NULL && count < OBIE_DECODERS_MAX; each++)
        if (strstr(each->property_definition, "input=der") != NULL &&
            strstr(each->property_definition, "structure=SubjectPublicKeyInfo") != NULL)
            obie_decoders[count++] = *each;
    return count;
}

/// Call it once, and keep what it returns until the process ends. NULL, which is OpenSSL's own context, where that has
/// other providers than the default one, or wants FIPS's: whoever has set that up means certificates as well.
static inline OSSL_LIB_CTX *obie_new_certificate_library(void) {
    if (!OSSL_PROVIDER_do_all(NULL, obie_is_default, NULL) || EVP_default_properties_is_fips_enabled(NULL)) return NULL;
    obie_default_provider = OSSL_PROVIDER_load(NULL, "default");
    if (obie_default_provider == NULL || obie_choose_decoders() == 0) return NULL;
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    if (library != NULL && OSSL_PROVIDER_add_builtin(library, "certificates", obie_start_provider) &&
        OSSL_PROVIDER_load(library, "certificates") != NULL)
        return library;
    OSSL_LIB_CTX_free(library);
    return NULL;
}

/// The certificate whose DER the bytes are, which the caller frees. NULL: they are none, or something is behind it; then
/// OpenSSL's queue of errors says why, or nothing.
static inline X509 *obie_read_certificate(OSSL_LIB_CTX *library, const unsigned char *der, long count) {
    const unsigned char *place = der;
    X509 *certificate = X509_new_ex(library, NULL);
    if (certificate != NULL && d2i_X509(&certificate, &place, count) != NULL && place == der + count) return certificate;
    X509_free(certificate);
    return NULL;
}

#endif
