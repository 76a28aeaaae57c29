// Java's HTTP clients, each as it is without any setting: java Clients NAME. See in_programs.py for what is read and written.

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

public final class Clients {
    interface Client {
        String ask(Asked asked) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Client client = client(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            String answer;
            try {
                answer = client.ask(new Asked(line));
            } catch (Exception error) {
                answer = "error\t" + String.valueOf(error).replace("\n", " ");
            }
            System.out.println(answer);
            System.out.flush();
        }
        System.exit(0);
    }

    static Client client(String name) {
        switch (name) {
            case "HttpURLConnection": return Clients::urlConnection;
            case "java.net.http": return netHttp();
            case "OkHttp": return Libraries.okHttp(true);
            case "OkHttpOnce": return Libraries.okHttp(false);
            case "HttpClient4": return Libraries.httpClient4(false);
            case "HttpClient4Repeats": return Libraries.httpClient4(true);
            case "HttpClient5": return Libraries.httpClient5(false);
            case "HttpClient5Repeats": return Libraries.httpClient5(true);
            default: throw new IllegalArgumentException(name);
        }
    }

    static Authenticator authenticator(Asked asked) {
        return new Authenticator() {
            @Override protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(asked.client, asked.secret.toCharArray());
            }
        };
    }

    static String urlConnection(Asked asked) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(asked.url).openConnection();
        if (asked.challenged) connection.setAuthenticator(authenticator(asked));
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        asked.fields().forEach(connection::setRequestProperty);
        connection.getOutputStream().write(asked.bytes());
        int status = connection.getResponseCode();
        try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            String text = body == null ? "" : new String(body.readAllBytes(), StandardCharsets.UTF_8);
            return Asked.answer(status, text);
        }
    }

    /** A client of its own for each pair of credentials: it asks its Authenticator, and remembers. */
    static Client netHttp() {
        HttpClient kept = HttpClient.newHttpClient();
        return asked -> {
            HttpClient client = asked.challenged
                ? HttpClient.newBuilder().authenticator(authenticator(asked)).build() : kept;
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(asked.url))
                .POST(HttpRequest.BodyPublishers.ofString(asked.body));
            asked.fields().forEach(request::header);
            HttpResponse<String> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return Asked.answer(answer.statusCode(), answer.body());
        };
    }
}
