package io.athanor.training.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.training.Patience;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingPlan;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * A {@link TrainingPlan} as YAML, under the names of its builder's methods. What a text leaves out
 * keeps its default; what it holds beyond that is an error.
 */
public final class PlanYaml {
  private static final int LARGEST_FILE = 1 << 20;
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .build();

  private PlanYaml() {}

  /** The plan as YAML, defaults included. */
  public static String write(TrainingPlan plan) {
    try {
      return YAML.writeValueAsString(tree(plan));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A tree of numbers and texts can be written", e);
    }
  }

  /**
   * Writes a file whole or not at all.
   *
   * @throws StorageException if it cannot be written
   */
  public static void write(Path file, TrainingPlan plan) {
    AtomicFile.writeText(file, write(plan));
  }

  /** The plan as a JSON object with the same names. */
  public static ObjectNode tree(TrainingPlan plan) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("epochs", plan.epochs());
    json.put("batchSize", plan.batchSize());
    json.put("accumulate", plan.accumulate());
    json.put("learningRate", plan.learningRate());
    json.set("optimizer", optimizer(plan.optimizer()));
    json.set("schedule", schedule(plan.schedule()));
    json.put("clipNorm", plan.clipNorm());
    json.put("precision", JsonFields.lower(plan.precision()));
    json.put("evaluateEvery", plan.evaluateEvery());
    json.put("monitor", plan.monitor().key());
    plan.patience()
        .ifPresent(
            patience ->
                json.putObject("patience")
                    .put("evaluations", patience.evaluations())
                    .put("minimumChange", patience.minimumChange()));
    json.put("checkpointEvery", plan.checkpoints().every());
    json.put("keepCheckpoints", plan.checkpoints().keep());
    json.put("seed", plan.seed());
    json.set("tuning", TuningYaml.tree(plan.tuning()));
    json.put("recompute", plan.recompute());
    return json;
  }

  private static ObjectNode optimizer(Optimizer optimizer) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (optimizer instanceof Optimizer.Sgd sgd) {
      json.put("kind", "sgd").put("momentum", sgd.momentum());
      json.put("weightDecay", sgd.weightDecay());
    } else if (optimizer instanceof Optimizer.Adam adam) {
      json.put("kind", "adam").put("beta1", adam.beta1()).put("beta2", adam.beta2());
      json.put("epsilon", adam.epsilon());
    } else if (optimizer instanceof Optimizer.AdamW adam) {
      json.put("kind", "adamW").put("beta1", adam.beta1()).put("beta2", adam.beta2());
      json.put("epsilon", adam.epsilon()).put("weightDecay", adam.weightDecay());
    }
    return json;
  }

  private static ObjectNode schedule(Schedule schedule) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("kind", JsonFields.lower(schedule.kind())).put("warmUp", schedule.warmUp());
    if (schedule instanceof Schedule.Linear linear) {
      json.put("floor", linear.floor());
    } else if (schedule instanceof Schedule.Cosine cosine) {
      json.put("floor", cosine.floor());
    }
    return json;
  }

  /**
   * Reads a file.
   *
   * @throws FormatException if it is not a plan; names line and setting
   * @throws io.athanor.api.error.ValidationException if settings contradict each other
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static TrainingPlan read(Path file) {
    String source = file.toString();
    try {
      long size = Files.size(file);
      if (size > LARGEST_FILE) {
        throw new FormatException(
            source, "a training plan has at most " + LARGEST_FILE + " bytes, got " + size);
      }
      return read(source, Files.readString(file, StandardCharsets.UTF_8));
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + source, List.of(), "Check the path");
    } catch (CharacterCodingException e) {
      throw new FormatException(source, "not UTF-8 text", e);
    } catch (IOException e) {
      throw new StorageException(source, "cannot be read (" + e + ")", e);
    }
  }

  /**
   * Reads a text.
   *
   * @param source where it came from, for errors
   * @throws FormatException if it is not a plan; names line and setting
   * @throws io.athanor.api.error.ValidationException if settings contradict each other
   */
  public static TrainingPlan read(String source, String yaml) {
    TrainingPlan.Builder plan = TrainingPlan.builder();
    Settings settings = Settings.parse(source, yaml);
    settings.ifInteger("epochs", plan::epochs);
    settings.ifInteger("batchSize", plan::batchSize);
    settings.ifInteger("accumulate", plan::accumulate);
    settings.ifNumber("learningRate", plan::learningRate);
    settings.ifObject("optimizer", s -> plan.optimizer(optimizer(s)));
    settings.ifObject("schedule", s -> plan.schedule(schedule(s)));
    settings.ifNumber("clipNorm", plan::clipNorm);
    settings.ifText(
        "precision",
        text -> plan.precision(settings.choice("precision", text, Precision.values())));
    settings.ifLong("evaluateEvery", plan::evaluateEvery);
    String[] monitor = {TrainingPlan.builder().build().monitor().key()};
    settings.ifText(
        "monitor",
        text -> {
          plan.monitor(text);
          monitor[0] = text;
        });
    settings.ifObject("patience", s -> plan.stopEarly(monitor[0], patience(s)));
    settings.ifLong("checkpointEvery", plan::checkpointEvery);
    settings.ifInteger("keepCheckpoints", plan::keepCheckpoints);
    settings.ifLong("seed", plan::seed);
    settings.ifObject("tuning", s -> plan.tuning(TuningYaml.read(s)));
    plan.recompute(settings.flag("recompute", false));
    settings.requireNoMore();
    return plan.build();
  }

  private static Optimizer optimizer(Settings s) {
    String kind = s.text("kind");
    Optimizer.Adam adam = (Optimizer.Adam) Optimizer.adam();
    Optimizer read =
        switch (kind) {
          case "sgd" -> new Optimizer.Sgd(s.number("momentum", 0), s.number("weightDecay", 0));
          case "adam" ->
              new Optimizer.Adam(
                  s.number("beta1", adam.beta1()),
                  s.number("beta2", adam.beta2()),
                  s.number("epsilon", adam.epsilon()));
          case "adamW" ->
              new Optimizer.AdamW(
                  s.number("beta1", adam.beta1()),
                  s.number("beta2", adam.beta2()),
                  s.number("epsilon", adam.epsilon()),
                  s.number("weightDecay", 0.01));
          default -> throw s.unknown("kind", kind, List.of("sgd", "adam", "adamW"));
        };
    s.requireNoMore();
    return read;
  }

  private static Schedule schedule(Settings s) {
    String kind = s.text("kind");
    double warmUp = s.number("warmUp", 0);
    Schedule read =
        switch (kind) {
          case "constant" -> new Schedule.Constant(warmUp);
          case "linear" -> new Schedule.Linear(warmUp, s.number("floor", 0));
          case "cosine" -> new Schedule.Cosine(warmUp, s.number("floor", 0));
          default -> throw s.unknown("kind", kind, List.of("constant", "linear", "cosine"));
        };
    s.requireNoMore();
    return read;
  }

  private static Patience patience(Settings s) {
    Patience read = new Patience(s.integer("evaluations"), s.number("minimumChange", 0));
    s.requireNoMore();
    return read;
  }
}
