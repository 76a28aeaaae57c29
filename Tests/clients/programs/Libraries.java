// OkHttp and Apache's HttpClient 4 and 5, each as it is without any setting.

import java.nio.charset.StandardCharsets;
import okhttp3.OkHttpClient;
import okhttp3.RequestBody;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.DefaultHttpRequestRetryStrategy;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.util.TimeValue;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ByteArrayEntity;

final class Libraries {
    static Clients.Client okHttp(boolean retries) {
        OkHttpClient kept = new OkHttpClient.Builder().retryOnConnectionFailure(retries).build();
        return asked -> {
            OkHttpClient client = kept;
            if (asked.challenged) {
                // As its documentation has it: no second try with what was refused.
                client = kept.newBuilder().authenticator((route, refused) ->
                    refused.request().header("Authorization") != null ? null
                        : refused.request().newBuilder().header("Authorization", asked.basic()).build()).build();
            }
            okhttp3.Request.Builder request = new okhttp3.Request.Builder().url(asked.url)
                .post(RequestBody.create(null, asked.bytes()));
            asked.fields().forEach(request::header);
            try (okhttp3.Response answer = client.newCall(request.build()).execute()) {
                return Asked.answer(answer.code(), answer.body().string());
            }
        };
    }

    /** As docs/integrating.md has it: what has a key is repeated. */
    static Clients.Client httpClient4(boolean repeats) {
        org.apache.http.impl.client.HttpClientBuilder builder = org.apache.http.impl.client.HttpClients.custom();
        if (repeats) {
            builder.setRetryHandler((error, count, context) -> count <= 3
                && org.apache.http.client.protocol.HttpClientContext.adapt(context).getRequest()
                    .containsHeader("x-idempotency-key"));
        }
        org.apache.http.impl.client.CloseableHttpClient kept = builder.build();
        return asked -> {
            org.apache.http.client.protocol.HttpClientContext context =
                org.apache.http.client.protocol.HttpClientContext.create();
            if (asked.challenged) {
                org.apache.http.client.CredentialsProvider known =
                    new org.apache.http.impl.client.BasicCredentialsProvider();
                known.setCredentials(org.apache.http.auth.AuthScope.ANY,
                    new org.apache.http.auth.UsernamePasswordCredentials(asked.client, asked.secret));
                context.setCredentialsProvider(known);
            }
            HttpPost request = new HttpPost(asked.url);
            asked.fields().forEach(request::setHeader);
            request.setEntity(new ByteArrayEntity(asked.bytes()));
            try (CloseableHttpResponse answer = kept.execute(request, context)) {
                return Asked.answer(answer.getStatusLine().getStatusCode(),
                    org.apache.http.util.EntityUtils.toString(answer.getEntity(), StandardCharsets.UTF_8));
            }
        };
    }

    static Clients.Client httpClient5(boolean repeats) {
        org.apache.hc.client5.http.impl.classic.HttpClientBuilder builder =
            org.apache.hc.client5.http.impl.classic.HttpClients.custom();
        if (repeats) {
            builder.setRetryStrategy(new DefaultHttpRequestRetryStrategy(3, TimeValue.ofMilliseconds(100)) {
                @Override protected boolean handleAsIdempotent(HttpRequest request) {
                    return request.containsHeader("x-idempotency-key");
                }
            });
        }
        org.apache.hc.client5.http.impl.classic.CloseableHttpClient kept = builder.build();
        return asked -> {
            org.apache.hc.client5.http.protocol.HttpClientContext context =
                org.apache.hc.client5.http.protocol.HttpClientContext.create();
            if (asked.challenged) {
                BasicCredentialsProvider known = new BasicCredentialsProvider();
                known.setCredentials(new AuthScope(null, -1),
                    new org.apache.hc.client5.http.auth.UsernamePasswordCredentials(
                        asked.client, asked.secret.toCharArray()));
                context.setCredentialsProvider(known);
            }
            org.apache.hc.client5.http.classic.methods.HttpPost request =
                new org.apache.hc.client5.http.classic.methods.HttpPost(asked.url);
            asked.fields().forEach(request::setHeader);
            request.setEntity(new org.apache.hc.core5.http.io.entity.ByteArrayEntity(asked.bytes(), null));
            return kept.execute(request, context, answer -> Asked.answer(answer.getCode(),
                EntityUtils.toString(answer.getEntity(), StandardCharsets.UTF_8)));
        };
    }
}
