package io.athanor.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.deploy.serve.OutOfTime;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.GenerationSettings;
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

/** {@code POST /v1/completions}. Thread-safe. */
final class TextCompletions {
  private static final int MOST_PROMPTS = 100;
  private static final int MOST_ALTERNATIVES = 5;
  private static final int USUAL_TOKENS = 16;

  private final TextService service;

  TextCompletions(TextService service) {
    this.service = service;
  }

  void answer(Context ctx) {
    RequestFields fields = service.fields(ctx);
    String id = fields.text("model");
    ServedModels.Asked asked = service.find(ctx, id);
    TextDeployment model = asked.entry().text();
    Refusals.check(fields);
    List<String> prompts = prompts(fields);
    boolean stream = fields.flag("stream");
    boolean usage = StreamOptions.usage(fields, stream);
    GenerationSettings settings = settings(fields, stream);
    fields.requireNoMore();
    List<TextRequest> requests =
        prompts.stream()
            .map(prompt -> service.request(TextRequest.of(prompt), asked).settings(settings))
            .toList();
    Completion completion = Completion.of("cmpl-", id, service.clock());
    if (stream) {
      if (requests.size() > 1) {
        throw Refusals.unsupported("prompt", "more than one prompt with 'stream' is not supported");
      }
      service.streaming().stream(
          ctx, model, requests.get(0), Optional.of(completion.id()), new Chunks(completion, usage));
      return;
    }
    List<CompletableFuture<TextAnswer>> answers = begin(model, requests, completion);
    CompletableFuture<Void> all =
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new));
    var unused =
        all.whenComplete(
            (done, failure) -> {
              if (failure != null) {
                answers.forEach(answer -> OutOfTime.passOn(failure, answer));
              }
            });
    ctx.future(
        () ->
            service
                .asking()
                .answered(
                    all,
                    nothing -> {
                      List<TextAnswer> done =
                          answers.stream().map(CompletableFuture::join).toList();
                      done.forEach(service.metrics()::generated);
                      StrictJson.send(
                          ctx, json(completion, done, settings, service.likelihoods(asked)));
                    }));
  }

  /** All or none. Several answers are named by their index behind the completion's id. */
  private static List<CompletableFuture<TextAnswer>> begin(
      TextDeployment model, List<TextRequest> requests, Completion completion) {
    List<CompletableFuture<TextAnswer>> answers = new ArrayList<>();
    try {
      for (TextRequest request : requests) {
        String id = requests.size() == 1 ? completion.id() : completion.id() + "-" + answers.size();
        answers.add(Asking.generate(model, request, piece -> true, Optional.of(id)));
      }
      return answers;
    } catch (RuntimeException e) {
      cancel(answers);
      throw e;
    }
  }

  /** Ends those that are not there yet. */
  private static void cancel(List<CompletableFuture<TextAnswer>> answers) {
    answers.forEach(answer -> answer.cancel(false));
  }

  private static List<String> prompts(RequestFields fields) {
    List<String> prompts = fields.texts("prompt", MOST_PROMPTS);
    if (prompts.isEmpty() || prompts.stream().anyMatch(String::isEmpty)) {
      throw new HttpProblem(400, "'prompt' must be a string or strings, none of them empty")
          .with("param", "prompt");
    }
    return prompts;
  }

  private GenerationSettings settings(RequestFields fields, boolean stream) {
    OptionalLong tokens = fields.integer("max_tokens", 1, service.maximumTokens());
    GenerationSettings.Builder settings =
        Sampling.read(fields, tokens, Math.min(USUAL_TOKENS, service.maximumTokens()));
    OptionalLong likelihoods = fields.integer("logprobs", 0, MOST_ALTERNATIVES);
    if (likelihoods.isPresent() && stream) {
      throw Refusals.unsupported("logprobs", "'logprobs' is not supported with 'stream'");
    }
    if (likelihoods.orElse(0) > 0) {
      settings.alternatives((int) likelihoods.getAsLong());
    } else if (likelihoods.isPresent()) {
      settings.likelihoods();
    }
    return settings.build();
  }

  private static ObjectNode json(
      Completion completion,
      List<TextAnswer> answers,
      GenerationSettings settings,
      Likelihoods likelihoods) {
    ObjectNode json = completion.begin("text_completion");
    ArrayNode choices = json.putArray("choices");
    for (TextAnswer answer : answers) {
      ObjectNode choice =
          choices.addObject().put("index", choices.size() - 1).put("text", answer.text());
      if (settings.likelihoods()) {
        choice.set("logprobs", likelihoods.ofCompletion(answer.generated().likelihoods()));
      } else {
        choice.putNull("logprobs");
      }
      choice.put("finish_reason", Completion.finish(answer.generated().finish()));
    }
    Completion.usage(json, answers.stream().map(TextAnswer::generated).toList());
    return json;
  }

  /** An answer in chunks. */
  private record Chunks(Completion completion, boolean usage) implements StreamForm {
    @Override
    public boolean piece(EventStream out, String text) {
      return send(out, text, null);
    }

    @Override
    public void end(EventStream out, TextAnswer answer) {
      send(out, "", Completion.finish(answer.generated().finish()));
      if (usage) {
        ObjectNode last = completion.begin("text_completion");
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

    private boolean send(EventStream out, String text, @Nullable String finish) {
      ObjectNode chunk = completion.begin("text_completion");
      chunk
          .putArray("choices")
          .addObject()
          .put("index", 0)
          .put("text", text)
          .putNull("logprobs")
          .put("finish_reason", finish);
      if (usage) {
        chunk.putNull("usage");
      }
      return out.data(StrictJson.text(chunk));
    }
  }
}
