package io.athanor.server.openai;

import io.athanor.deploy.serve.TextRequest;
import io.athanor.server.access.Caller;
import io.athanor.server.http.RequestBody;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.Asking;
import io.athanor.server.serving.ServedModels;
import io.athanor.server.serving.ServerMetrics;
import io.athanor.server.serving.TextStreaming;
import io.javalin.http.Context;
import java.time.Clock;

/**
 * What the endpoints for text share.
 *
 * @param maximumTokens most tokens to generate for a request
 */
record TextService(
    ServedModels models,
    RequestBody body,
    int maximumTokens,
    Asking asking,
    ServerMetrics metrics,
    TextStreaming streaming,
    Clock clock) {
  RequestFields fields(Context ctx) {
    return new RequestFields(StrictJson.parse(body.read(ctx.req())), 400);
  }

  ServedModels.Asked find(Context ctx, String id) {
    return models.find(id, Caller.of(ctx));
  }

  TextRequest request(TextRequest request, ServedModels.Asked asked) {
    return asked.adapter().map(request::adapter).orElse(request);
  }

  Likelihoods likelihoods(ServedModels.Asked asked) {
    return new Likelihoods(asked.entry().model().encoding().tokenizer().orElse(null));
  }
}
