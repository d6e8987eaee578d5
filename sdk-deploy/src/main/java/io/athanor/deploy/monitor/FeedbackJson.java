package io.athanor.deploy.monitor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** A {@link FeedbackEntry} as one line of JSON. */
final class FeedbackJson {
  private FeedbackJson() {}

  static String write(FeedbackEntry entry) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("answer", entry.answer()).put("at", entry.at().toString());
    json.put("model", entry.model()).put("version", entry.version());
    json.put("subject", entry.subject());
    if (entry.opinion() instanceof Opinion.Corrected corrected) {
      json.put("opinion", "corrected");
      put(json, "right", corrected.right());
    } else if (entry.opinion() instanceof Opinion.Rated rated) {
      json.put("opinion", "rated").put("stars", rated.stars());
    } else {
      json.put("opinion", entry.opinion() instanceof Opinion.Accepted ? "accepted" : "rejected");
    }
    put(json, "predicted", entry.predicted());
    ObjectNode row = json.putObject("row");
    for (String column : entry.row().columns()) {
      Object cell = entry.row().cell(column);
      if (cell != null) {
        put(row, column, cell);
      }
    }
    return json.toString();
  }

  private static void put(ObjectNode json, String name, Object value) {
    if (value instanceof Pixels picture) {
      json.putObject(name)
          .put("width", picture.width())
          .put("height", picture.height())
          .put("channels", picture.channels())
          .put("bytes", Base64.getEncoder().encodeToString(bytes(picture)));
    } else if (value instanceof Double number) {
      json.put(name, number);
    } else {
      json.put(name, value.toString());
    }
  }

  private static byte[] bytes(Pixels picture) {
    byte[] bytes = new byte[picture.width() * picture.height() * picture.channels()];
    int at = 0;
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        for (int c = 0; c < picture.channels(); c++) {
          bytes[at++] = (byte) picture.at(x, y, c);
        }
      }
    }
    return bytes;
  }

  /** Only who the line belongs to. */
  static String subject(String source, String line) {
    return JsonFields.parse(source, line).text("subject");
  }

  static FeedbackEntry read(String source, String line) {
    JsonFields fields = JsonFields.parse(source, line);
    String kind = fields.text("opinion");
    FeedbackEntry entry =
        fields.checked(
            () ->
                new FeedbackEntry(
                    fields.text("answer"),
                    fields.instant("at"),
                    fields.text("model"),
                    fields.text("version"),
                    fields.text("subject"),
                    row(fields),
                    value(fields, "predicted"),
                    switch (kind) {
                      case "accepted" -> new Opinion.Accepted();
                      case "rejected" -> new Opinion.Rejected();
                      case "rated" -> new Opinion.Rated(fields.smallInteger("stars"));
                      case "corrected" -> new Opinion.Corrected(value(fields, "right"));
                      default -> throw fields.fail("unknown opinion '" + kind + "'");
                    }));
    fields.requireNoMore();
    return entry;
  }

  private static Object value(JsonFields fields, String name) {
    return fields.node(name).isNumber() ? fields.number(name) : fields.text(name);
  }

  private static Row row(JsonFields fields) {
    JsonFields cells = fields.object("row");
    Map<String, Object> row = new LinkedHashMap<>();
    for (String column : cells.names()) {
      JsonNode cell = cells.node(column);
      row.put(column, cell.isObject() ? picture(cells.object(column)) : value(cells, column));
    }
    return Row.of(row);
  }

  private static Pixels picture(JsonFields fields) {
    Pixels picture =
        fields.checked(
            () ->
                Pixels.of(
                    fields.smallInteger("width"),
                    fields.smallInteger("height"),
                    fields.smallInteger("channels"),
                    Base64.getDecoder().decode(fields.text("bytes"))));
    fields.requireNoMore();
    return picture;
  }
}
