package io.athanor.server.live;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.server.http.StrictJson;
import java.time.Instant;

/**
 * Something that happened.
 *
 * @param number counted from 1
 * @param type for example {@code "deployed"}
 * @param at when
 * @param model the name of the model it is about
 * @param data what else there is to say
 */
record LiveEvent(long number, String type, Instant at, String model, ObjectNode data) {
  String json() {
    ObjectNode json =
        StrictJson.object()
            .put("number", number)
            .put("type", type)
            .put("at", at.toString())
            .put("model", model);
    json.set("data", data);
    return StrictJson.text(json);
  }
}
