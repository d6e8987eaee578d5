package io.athanor.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import io.athanor.server.http.EventStream;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestFields;
import io.athanor.server.http.StrictJson;
import io.athanor.server.serving.Asking;
import io.athanor.server.serving.ServedModels;
import io.athanor.server.serving.StreamForm;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/chat/completions}. Thread-safe. */
final class ChatCompletions {
  private static final int MOST_MESSAGES = 10_000;
  private static final int MOST_ALTERNATIVES = 20;

  private final TextService service;

  ChatCompletions(TextService service) {
    this.service = service;
  }

  void answer(Context ctx) {
    RequestFields fields = service.fields(ctx);
    String id = fields.text("model");
    ServedModels.Asked asked = service.find(ctx, id);
    TextDeployment model = asked.entry().text();
    Refusals.check(fields);
    List<ChatMessage> messages = messages(fields);
    boolean stream = fields.flag("stream");
    boolean usage = StreamOptions.usage(fields, stream);
    GenerationSettings settings = settings(fields, stream);
    fields.requireNoMore();
    TextRequest request = service.request(TextRequest.chat(messages), asked).settings(settings);
    Completion completion = Completion.of("chatcmpl-", id, service.clock());
    if (stream) {
      service.streaming().stream(
          ctx, model, request, Optional.of(completion.id()), new Chunks(completion, usage));
      return;
    }
    CompletableFuture<TextAnswer> answer =
        Asking.generate(model, request, piece -> true, Optional.of(completion.id()));
    ctx.future(
        () ->
            service
                .asking()
                .answered(
                    answer,
                    done -> {
                      service.metrics().generated(done);
                      StrictJson.send(
                          ctx, json(completion, done, settings, service.likelihoods(asked)));
                    }));
  }

  private static List<ChatMessage> messages(RequestFields fields) {
    JsonNode list =
        fields.node("messages").orElseThrow(() -> fields.wrong("messages", "a list", null));
    if (!list.isArray() || list.isEmpty() || list.size() > MOST_MESSAGES) {
      throw fields.wrong("messages", "a list of 1 to " + MOST_MESSAGES + " messages", list);
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode one : list) {
      RequestFields message = new RequestFields(one, 400);
      String role = message.text("role");
      if (!List.of("system", "developer", "user", "assistant").contains(role)) {
        throw Refusals.unsupported("messages.role", "the role '" + role + "' is not supported");
      }
      message.node("name").ifPresent(name -> refuse("name"));
      message
          .node("tool_calls")
          .filter(calls -> !calls.isEmpty())
          .ifPresent(c -> refuse("tool_calls"));
      message.node("refusal").ifPresent(refusal -> refuse("refusal"));
      String content = content(message);
      message.requireNoMore();
      messages.add(new ChatMessage(role.equals("developer") ? "system" : role, content));
    }
    return messages;
  }

  private static void refuse(String name) {
    throw Refusals.unsupported("messages." + name, "'" + name + "' of a message is not supported");
  }

  private static String content(RequestFields message) {
    JsonNode content =
        message.node("content").orElseThrow(() -> message.wrong("content", "a string", null));
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray()) {
      throw message.wrong("content", "a string or a list of text parts", content);
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode one : content) {
      RequestFields part = new RequestFields(one, 400);
      String type = part.text("type");
      if (!type.equals("text")) {
        throw Refusals.unsupported(
            "messages.content", "a part of type '" + type + "' is not supported");
      }
      text.append(part.text("text"));
      part.requireNoMore();
    }
    return text.toString();
  }

  private GenerationSettings settings(RequestFields fields, boolean stream) {
    OptionalLong old = fields.integer("max_tokens", 1, service.maximumTokens());
    OptionalLong tokens = fields.integer("max_completion_tokens", 1, service.maximumTokens());
    GenerationSettings.Builder settings =
        Sampling.read(fields, tokens.isPresent() ? tokens : old, service.maximumTokens());
    boolean likelihoods = fields.flag("logprobs");
    long alternatives = fields.integer("top_logprobs", 0, MOST_ALTERNATIVES).orElse(0);
    if (alternatives > 0 && !likelihoods) {
      throw new HttpProblem(400, "'top_logprobs' needs 'logprobs'").with("param", "top_logprobs");
    }
    if (likelihoods && stream) {
      throw Refusals.unsupported("logprobs", "'logprobs' is not supported with 'stream'");
    }
    if (alternatives > 0) {
      settings.alternatives((int) alternatives);
    } else if (likelihoods) {
      settings.likelihoods();
    }
    return settings.build();
  }

  private static ObjectNode json(
      Completion completion,
      TextAnswer answer,
      GenerationSettings settings,
      Likelihoods likelihoods) {
    ObjectNode json = completion.begin("chat.completion");
    ObjectNode choice = json.putArray("choices").addObject().put("index", 0);
    choice
        .putObject("message")
        .put("role", ChatMessage.ASSISTANT)
        .put("content", answer.text())
        .putNull("refusal");
    if (settings.likelihoods()) {
      choice.set("logprobs", likelihoods.ofChat(answer.generated().likelihoods()));
    } else {
      choice.putNull("logprobs");
    }
    choice.put("finish_reason", Completion.finish(answer.generated().finish()));
    Completion.usage(json, List.of(answer.generated()));
    return json;
  }

  /** An answer in chunks. */
  private record Chunks(Completion completion, boolean usage) implements StreamForm {
    @Override
    public boolean begin(EventStream out) {
      ObjectNode delta = StrictJson.object().put("role", ChatMessage.ASSISTANT).put("content", "");
      return send(out, delta, null);
    }

    @Override
    public boolean piece(EventStream out, String text) {
      return send(out, StrictJson.object().put("content", text), null);
    }

    @Override
    public void end(EventStream out, TextAnswer answer) {
      send(out, StrictJson.object(), Completion.finish(answer.generated().finish()));
      if (usage) {
        ObjectNode last = completion.begin("chat.completion.chunk");
        last.putArray("choices");
        Completion.usage(last, List.of(answer.generated()));
        out.data(StrictJson.text(last));
      }
      out.data("[DONE]");
    }

    @Override
    public void failure(EventStream out, HttpProblem problem) {
      out.data(StrictJson.text(OpenAiErrors.json(problem)));
    }

    private boolean send(EventStream out, ObjectNode delta, @Nullable String finish) {
      ObjectNode chunk = completion.begin("chat.completion.chunk");
      ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
      choice.set("delta", delta);
      choice.putNull("logprobs").put("finish_reason", finish);
      if (usage) {
        chunk.putNull("usage");
      }
      return out.data(StrictJson.text(chunk));
    }
  }
}
