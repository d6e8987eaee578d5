package io.athanor.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.Asking;
import io.javalin.http.Context;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;

/** {@code POST /v1/embeddings}. Thread-safe. */
final class TextEmbeddings {
  private static final int MOST_TEXTS = 2_048;

  private final TextService service;

  TextEmbeddings(TextService service) {
    this.service = service;
  }

  void answer(Context ctx) {
    RequestFields fields = service.fields(ctx);
    String id = fields.text("model");
    EmbeddingDeployment model = service.find(ctx, id).entry().embedding();
    List<String> texts = fields.texts("input", MOST_TEXTS);
    if (texts.isEmpty() || texts.stream().anyMatch(String::isEmpty)) {
      throw fields.wrong("input", "a string or strings, none of them empty", null);
    }
    String encoding = fields.optionalText("encoding_format").orElse("float");
    if (!encoding.equals("float") && !encoding.equals("base64")) {
      throw Refusals.unsupported("encoding_format", "'" + encoding + "' is not supported");
    }
    fields
        .integer("dimensions", 1, Integer.MAX_VALUE)
        .ifPresent(
            wanted -> {
              if (wanted != model.dimensions()) {
                throw Refusals.unsupported(
                    "dimensions", "this model gives " + model.dimensions() + " dimensions only");
              }
            });
    fields.node("user");
    fields.requireNoMore();
    EmbeddingAnswer answer = Asking.begin(model, () -> model.embed(texts));
    service.metrics().embedded(answer.model(), answer.version(), answer.tokens());
    StrictJson.send(ctx, json(id, answer, encoding.equals("base64")));
  }

  private static ObjectNode json(String id, EmbeddingAnswer answer, boolean base64) {
    ObjectNode json = StrictJson.object().put("object", "list").put("model", id);
    ArrayNode data = json.putArray("data");
    for (float[] vector : answer.vectors()) {
      ObjectNode one = data.addObject().put("object", "embedding").put("index", data.size() - 1);
      if (base64) {
        one.put("embedding", base64(vector));
      } else {
        ArrayNode numbers = one.putArray("embedding");
        for (float number : vector) {
          numbers.add(number);
        }
      }
    }
    json.putObject("usage")
        .put("prompt_tokens", answer.tokens())
        .put("total_tokens", answer.tokens());
    return json;
  }

  private static String base64(float[] vector) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }
}
