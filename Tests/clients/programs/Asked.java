// One request as it was asked for, and one answer as it is written back.

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

final class Asked {
    final boolean challenged;
    final String url, client, secret, body;
    final Map<String, String> headers = new LinkedHashMap<>();

    Asked(String line) {
        String[] parts = line.split("\t", -1);
        challenged = parts[0].equals("challenged");
        url = parts[1];
        client = parts[2];
        secret = parts[3];
        body = parts[4];
        for (int i = 5; i < parts.length; i++) {
            int colon = parts[i].indexOf(": ");
            headers.put(parts[i].substring(0, colon), parts[i].substring(colon + 2));
        }
    }

    byte[] bytes() {
        return body.getBytes(StandardCharsets.UTF_8);
    }

    /** The headers, and Authorization where the client is not to wait for the challenge. */
    Map<String, String> fields() {
        Map<String, String> all = new LinkedHashMap<>(headers);
        if (!challenged) all.put("Authorization", basic());
        return all;
    }

    String basic() {
        byte[] both = (client + ":" + secret).getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(both);
    }

    static String answer(int status, String text) {
        return status + "\t" + text.replace("\n", " ");
    }
}
