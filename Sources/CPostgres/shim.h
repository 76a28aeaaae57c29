// The door from Swift to libpq. Only the module PostgresStore may import it.
//
// libpq brings a dozen libraries with it, and few servers need them. So the program is not linked with it: the first call
// loads it. What stands here of its types is part of its ABI, which has not changed since version 14 (libpq.so.5).
#ifndef OBIE_TOKENS_CPOSTGRES_SHIM_H
#define OBIE_TOKENS_CPOSTGRES_SHIM_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned int Oid;
typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

typedef enum { CONNECTION_OK, CONNECTION_BAD } ConnStatusType;
typedef enum {
    PGRES_POLLING_FAILED = 0,
    PGRES_POLLING_READING,
    PGRES_POLLING_WRITING,
    PGRES_POLLING_OK
} PostgresPollingStatusType;
typedef enum {
    PGRES_EMPTY_QUERY = 0,
    PGRES_COMMAND_OK,
    PGRES_TUPLES_OK,
    PGRES_COPY_OUT,
    PGRES_COPY_IN,
    PGRES_BAD_RESPONSE,
    PGRES_NONFATAL_ERROR,
    PGRES_FATAL_ERROR,
    PGRES_COPY_BOTH,
    PGRES_SINGLE_TUPLE,
    PGRES_PIPELINE_SYNC,
    PGRES_PIPELINE_ABORTED
} ExecStatusType;

#define PG_DIAG_SEVERITY 'S'
#define PG_DIAG_SEVERITY_NONLOCALIZED 'V'
#define PG_DIAG_SQLSTATE 'C'
#define PG_DIAG_MESSAGE_PRIMARY 'M'

typedef void (*PQnoticeReceiver)(void *context, const PGresult *result);

typedef struct {
    char *keyword, *envvar, *compiled, *val, *label, *dispchar;
    int dispsize;
} PQconninfoOption;

// The library; NULL where there is none, and dlerror(3) says why. Any thread; it is loaded once, whoever asks first.
static inline void *obie_libpq(void) { return dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL); }

// Whether the library is there: asked before anything else is called.
static inline int obie_libpq_is_there(void) { return obie_libpq() != NULL && dlsym(obie_libpq(), "PQenterPipelineMode"); }

// A function of it. Who has not asked whether it is there ends here.
static inline void *obie_libpq_function(const char *name) {
    void *library = obie_libpq(), *function = library ? dlsym(library, name) : NULL;
    if (!function) {
        fprintf(stderr, "obie-tokens: libpq.so.5 has no %s\n", name);
        abort();
    }
    return function;
}

// Each of these is libpq's function of the same name, found at its first call. Two threads may find it at once, and find the same.
#define OBIE_LIBPQ(result, name, parameters, ...)                                           \
    static inline result name parameters {                                                  \
        static result(*found) parameters;                                                   \
        result(*function) parameters = __atomic_load_n(&found, __ATOMIC_RELAXED);           \
        if (!function) {                                                                    \
            function = (result(*) parameters)obie_libpq_function(#name);                    \
            __atomic_store_n(&found, function, __ATOMIC_RELAXED);                           \
        }                                                                                   \
        return function(__VA_ARGS__);                                                       \
    }

OBIE_LIBPQ(PGconn *, PQconnectStartParams, (const char *const *keywords, const char *const *values, int expand_dbname), keywords, values, expand_dbname)
OBIE_LIBPQ(PGconn *, PQconnectdb, (const char *conninfo), conninfo)
OBIE_LIBPQ(PostgresPollingStatusType, PQconnectPoll, (PGconn *conn), conn)
OBIE_LIBPQ(void, PQfinish, (PGconn *conn), conn)
OBIE_LIBPQ(ConnStatusType, PQstatus, (const PGconn *conn), conn)
OBIE_LIBPQ(char *, PQerrorMessage, (const PGconn *conn), conn)
OBIE_LIBPQ(int, PQsocket, (const PGconn *conn), conn)
OBIE_LIBPQ(int, PQbackendPID, (const PGconn *conn), conn)
OBIE_LIBPQ(int, PQserverVersion, (const PGconn *conn), conn)
OBIE_LIBPQ(int, PQconnectionNeedsPassword, (const PGconn *conn), conn)
OBIE_LIBPQ(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn *conn, PQnoticeReceiver receiver, void *context), conn, receiver, context)
OBIE_LIBPQ(int, PQsetnonblocking, (PGconn *conn, int is_nonblocking), conn, is_nonblocking)
OBIE_LIBPQ(int, PQflush, (PGconn *conn), conn)
OBIE_LIBPQ(int, PQconsumeInput, (PGconn *conn), conn)
OBIE_LIBPQ(int, PQisBusy, (PGconn *conn), conn)
OBIE_LIBPQ(int, PQenterPipelineMode, (PGconn *conn), conn)
OBIE_LIBPQ(int, PQpipelineSync, (PGconn *conn), conn)
OBIE_LIBPQ(int, PQsendQuery, (PGconn *conn, const char *query), conn, query)
OBIE_LIBPQ(int, PQsendQueryParams, (PGconn *conn, const char *command, int count, const Oid *types, const char *const *values, const int *lengths, const int *formats, int result_format), conn, command, count, types, values, lengths, formats, result_format)
OBIE_LIBPQ(int, PQsendPrepare, (PGconn *conn, const char *name, const char *query, int count, const Oid *types), conn, name, query, count, types)
OBIE_LIBPQ(int, PQsendQueryPrepared, (PGconn *conn, const char *name, int count, const char *const *values, const int *lengths, const int *formats, int result_format), conn, name, count, values, lengths, formats, result_format)
OBIE_LIBPQ(PGresult *, PQexec, (PGconn *conn, const char *query), conn, query)
OBIE_LIBPQ(PGresult *, PQgetResult, (PGconn *conn), conn)
OBIE_LIBPQ(void, PQclear, (PGresult *result), result)
OBIE_LIBPQ(ExecStatusType, PQresultStatus, (const PGresult *result), result)
OBIE_LIBPQ(char *, PQresultErrorMessage, (const PGresult *result), result)
OBIE_LIBPQ(char *, PQresultErrorField, (const PGresult *result, int field), result, field)
OBIE_LIBPQ(int, PQntuples, (const PGresult *result), result)
OBIE_LIBPQ(int, PQnfields, (const PGresult *result), result)
OBIE_LIBPQ(int, PQgetisnull, (const PGresult *result, int row, int column), result, row, column)
OBIE_LIBPQ(int, PQgetlength, (const PGresult *result, int row, int column), result, row, column)
OBIE_LIBPQ(char *, PQgetvalue, (const PGresult *result, int row, int column), result, row, column)
OBIE_LIBPQ(PQconninfoOption *, PQconninfoParse, (const char *conninfo, char **message), conninfo, message)
OBIE_LIBPQ(void, PQconninfoFree, (PQconninfoOption *options), options)

#undef OBIE_LIBPQ

#endif
