package io.athanor.api.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.FormatException;
import java.util.List;
import java.util.Optional;

/**
 * An {@link Encoding} as JSON, without tokenizer and chat template, which are files of their own.
 */
public final class EncodingJson {
  private static final int MAX_COLUMNS = 100_000;
  private static final int MAX_VALUES = 1_000_000;

  private EncodingJson() {}

  /** The encoding as JSON. */
  public static ObjectNode write(Encoding encoding) {
    return encoding instanceof LanguageEncoding language
        ? LanguageEncodingJson.write(language)
        : write((FeatureEncoding) encoding);
  }

  private static ObjectNode write(FeatureEncoding encoding) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode encoders = json.putArray("encoders");
    encoding.encoders().forEach(encoder -> encoders.add(write(encoder)));
    json.set("target", write(encoding.target()));
    return json;
  }

  private static ObjectNode write(Encoder encoder) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (encoder instanceof Encoder.Standardize e) {
      json.put("kind", "standardize").put("column", e.column());
      json.put("mean", e.mean()).put("deviation", e.deviation());
    } else if (encoder instanceof Encoder.OneHot e) {
      json.put("kind", "oneHot").put("column", e.column());
      e.categories().forEach(json.putArray("categories")::add);
      json.put("unknown", JsonFields.lower(e.unknown()));
    } else if (encoder instanceof Encoder.Text e) {
      json.put("kind", "text").put("column", e.column());
      json.put("maximumLength", e.maximumLength());
    } else if (encoder instanceof Encoder.Image e) {
      json.put("kind", "image").put("column", e.column()).put("channels", e.channels());
      json.put("height", e.height()).put("width", e.width());
      json.put("mean", e.mean()).put("deviation", e.deviation());
    }
    return json;
  }

  private static ObjectNode write(TargetEncoder target) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (target instanceof TargetEncoder.Label t) {
      json.put("kind", "label").put("column", t.column());
      t.labels().forEach(json.putArray("labels")::add);
    } else if (target instanceof TargetEncoder.Quantity t) {
      json.put("kind", "quantity").put("column", t.column());
      json.put("mean", t.mean()).put("deviation", t.deviation());
    }
    return json;
  }

  /**
   * Reads an encoding.
   *
   * @param source where the JSON came from, for errors
   * @throws FormatException if the JSON is not of this format; names the place
   * @throws io.athanor.api.error.ValidationException if the parts do not fit together
   */
  public static Encoding read(
      String source, JsonNode json, Optional<Tokenizer> tokenizer, Optional<String> chatTemplate) {
    JsonFields fields = new JsonFields(source, "encoding", json);
    if (fields.has("language")) {
      Encoding language =
          LanguageEncodingJson.read(fields.object("language"), tokenizer, chatTemplate);
      fields.requireNoMore();
      return language;
    }
    List<Encoder> encoders = fields.objects("encoders", MAX_COLUMNS, EncodingJson::encoder);
    TargetEncoder target = target(fields.object("target"));
    fields.requireNoMore();
    return new FeatureEncoding(encoders, target, tokenizer);
  }

  private static Encoder encoder(JsonFields fields) {
    String kind = fields.text("kind");
    String column = fields.text("column");
    Encoder encoder =
        fields.checked(
            () ->
                switch (kind) {
                  case "standardize" ->
                      new Encoder.Standardize(
                          column, fields.number("mean"), fields.number("deviation"));
                  case "oneHot" ->
                      new Encoder.OneHot(
                          column,
                          fields.texts("categories", MAX_VALUES),
                          fields.choice("unknown", Encoder.OneHot.Unknown.class));
                  case "text" -> new Encoder.Text(column, fields.smallInteger("maximumLength"));
                  case "image" ->
                      new Encoder.Image(
                          column,
                          fields.smallInteger("channels"),
                          fields.smallInteger("height"),
                          fields.smallInteger("width"),
                          fields.number("mean"),
                          fields.number("deviation"));
                  default -> throw unknown(fields, "encoder", kind);
                });
    fields.requireNoMore();
    return encoder;
  }

  private static TargetEncoder target(JsonFields fields) {
    String kind = fields.text("kind");
    String column = fields.text("column");
    TargetEncoder target =
        fields.checked(
            () ->
                switch (kind) {
                  case "label" ->
                      new TargetEncoder.Label(column, fields.texts("labels", MAX_VALUES));
                  case "quantity" ->
                      new TargetEncoder.Quantity(
                          column, fields.number("mean"), fields.number("deviation"));
                  default -> throw unknown(fields, "target", kind);
                });
    fields.requireNoMore();
    return target;
  }

  private static FormatException unknown(JsonFields fields, String what, String kind) {
    return fields.fail("unknown " + what + " '" + kind + "'; a newer version may have written it");
  }
}
