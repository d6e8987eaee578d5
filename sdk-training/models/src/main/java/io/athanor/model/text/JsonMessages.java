package io.athanor.model.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.error.FormatException;
import io.athanor.model.text.template.None;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a conversation from JSON into the values that templates know. */
final class JsonMessages {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SOURCE = "messages";

  private JsonMessages() {}

  /**
   * @throws FormatException if it is no array of objects with a role
   */
  static List<Map<String, Object>> read(String json) {
    JsonNode array;
    try {
      array = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new FormatException(SOURCE, "not JSON: " + e.getOriginalMessage(), e);
    }
    if (!array.isArray()) {
      throw new FormatException(
          SOURCE, "expected an array of messages, got " + array.getNodeType());
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (JsonNode message : array) {
      if (!message.path("role").isTextual()) {
        throw new FormatException(
            SOURCE, "message " + (messages.size() + 1) + ": expected a text as 'role'");
      }
      messages.add(fields(message));
    }
    return messages;
  }

  private static Map<String, Object> fields(JsonNode object) {
    Map<String, Object> fields = new LinkedHashMap<>();
    object.properties().forEach(field -> fields.put(field.getKey(), value(field.getValue())));
    return fields;
  }

  private static Object value(JsonNode node) {
    if (node.isTextual()) {
      return node.textValue();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isIntegralNumber() && node.canConvertToLong()) {
      return node.longValue();
    }
    if (node.isNumber()) {
      return node.doubleValue();
    }
    if (node.isObject()) {
      return fields(node);
    }
    if (node.isArray()) {
      List<Object> values = new ArrayList<>();
      node.forEach(element -> values.add(value(element)));
      return values;
    }
    return None.NONE;
  }
}
