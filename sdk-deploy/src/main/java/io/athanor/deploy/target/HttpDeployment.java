package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Column;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.input.RowReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A model that another server serves; made by {@link HttpTarget}. Rows are checked here, by the
 * same rules as there, before anything is sent. Latencies include the way. Thread-safe.
 */
public final class HttpDeployment implements Deployment {
  private static final int ROWS_AT_ONCE = 1_000;
  private static final int PROBABILITIES_AT_ONCE = 100_000;
  private static final int AT_ONCE = 8;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final RemoteModel remote;
  private final ServedModel model;
  private final RowReader reader;
  private final CountedCalls calls;
  private final RequestThreads threads;

  HttpDeployment(RemoteModel remote) {
    this.remote = remote;
    this.model = remote.model();
    this.reader = new RowReader(model.features());
    this.calls = new CountedCalls(remote.server());
    this.threads = new RequestThreads(remote.server(), model, calls, AT_ONCE);
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public Answer predict(String text) {
    return predict(reader.read(text));
  }

  @Override
  public Answer predict(Map<String, ? extends @Nullable Object> cells) {
    return predict(reader.read(cells));
  }

  @Override
  public Answer predict(Row row) {
    threads.requireOpen();
    return ask(input(row), System.nanoTime());
  }

  @Override
  public CompletableFuture<Answer> predictAsync(Row row) {
    threads.requireOpen();
    ObjectNode input = input(row);
    long arrival = System.nanoTime();
    return threads.begin(() -> ask(input, arrival));
  }

  @Override
  public List<Answer> predictAll(List<Row> rows) {
    threads.requireOpen();
    List<ObjectNode> inputs = new ArrayList<>(rows.size());
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      try {
        inputs.add(input(rows.get(i)));
      } catch (FormatException e) {
        problems.add("row " + i + ": " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("rows", problems);
    }
    List<Answer> answers = new ArrayList<>(rows.size());
    for (List<ObjectNode> some :
        RequestParts.of(inputs, rowsAtOnce(), input -> input.toString().length())) {
      answers.addAll(askAll(some, answers.size()));
    }
    return List.copyOf(answers);
  }

  /** So many that the answer is not too long either, which has a probability for each label. */
  private int rowsAtOnce() {
    return model.task() instanceof Task.Classification classes
        ? Math.max(1, Math.min(ROWS_AT_ONCE, PROBABILITIES_AT_ONCE / classes.labels().size()))
        : ROWS_AT_ONCE;
  }

  /** Checks a row by encoding it, and writes it as the server reads it. */
  private ObjectNode input(Row row) {
    reader.requireKnown(row);
    model.features().encode(row, RowReader.SOURCE, 0);
    ObjectNode input = JSON.objectNode();
    for (Column column : model.schema().features()) {
      Object cell = row.cell(column.name());
      input.set(column.name(), cell(cell));
    }
    return input;
  }

  private static JsonNode cell(@Nullable Object cell) {
    if (cell == null) {
      return JSON.nullNode();
    }
    if (cell instanceof Number number) {
      return JSON.numberNode(number.doubleValue());
    }
    return JSON.textNode(
        cell instanceof Pixels picture ? PortablePicture.base64(picture) : cell.toString());
  }

  private Answer ask(ObjectNode input, long arrival) {
    ObjectNode body = JSON.objectNode();
    body.set("input", input);
    return calls.make(
        1,
        arrival,
        () -> {
          JsonFields answer = post("predict", body, 0);
          Duration latency = Duration.ofNanos(System.nanoTime() - arrival);
          String version = answer.text("version");
          return new Answer(answer.text("model"), version, prediction(answer), latency);
        });
  }

  /**
   * @param before rows that other requests have asked for
   */
  private List<Answer> askAll(List<ObjectNode> inputs, int before) {
    long arrival = System.nanoTime();
    ObjectNode body = JSON.objectNode();
    ArrayNode list = body.putArray("inputs");
    inputs.forEach(list::add);
    return calls.make(
        inputs.size(),
        arrival,
        () -> {
          JsonFields answer = post("batch", body, before);
          Duration latency = Duration.ofNanos(System.nanoTime() - arrival);
          return answers(answer, inputs.size(), latency);
        });
  }

  private List<Answer> answers(JsonFields answer, int rows, Duration latency) {
    String name = answer.text("model");
    String version = answer.text("version");
    List<Answer> answers =
        answer.objects("results", rows, one -> new Answer(name, version, prediction(one), latency));
    if (answers.size() != rows) {
      throw answer.fail("expected " + rows + " results, got " + answers.size());
    }
    return answers;
  }

  private Prediction prediction(JsonFields answer) {
    if (model.task() instanceof Task.Regression) {
      return new Prediction.Quantity(answer.number("value"));
    }
    List<Prediction.Alternative> all = new ArrayList<>();
    all.add(new Prediction.Alternative(answer.text("label"), answer.number("confidence")));
    all.addAll(
        answer.objects(
            "alternatives",
            Integer.MAX_VALUE,
            other -> new Prediction.Alternative(other.text("label"), other.number("probability"))));
    return new Prediction.Label(all.get(0).label(), all.get(0).probability(), all);
  }

  private JsonFields post(String what, ObjectNode body, int before) {
    Reply reply = remote.ask(what, body).accept(422).send();
    if (reply.status() == 422) {
      throw misfit(reply, before);
    }
    return reply.fields();
  }

  /** The server knows the schema otherwise than we do; said as if it had been found here. */
  private static ValidationException misfit(Reply reply, int before) {
    JsonNode problem = JsonFields.tree(reply.place(), reply.text());
    JsonNode errors = problem.path("errors");
    if (!errors.isArray() || errors.isEmpty()) {
      return new ValidationException(RowReader.SOURCE, List.of(reply.message()));
    }
    List<String> problems = new ArrayList<>();
    for (JsonNode error : errors) {
      int row = before + error.path("index").asInt();
      problems.add("row " + row + ": " + error.path("detail").asText());
    }
    return new ValidationException("rows", problems);
  }

  @Override
  public DeploymentStats stats() {
    return threads.stats();
  }

  /**
   * Takes no more requests, and waits for those begun by {@link #predictAsync}, as long as the
   * server may be silent; not if one of them closes it.
   */
  @Override
  public void close() {
    threads.close();
  }
}
