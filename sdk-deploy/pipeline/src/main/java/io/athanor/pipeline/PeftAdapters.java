package io.athanor.pipeline;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import io.athanor.model.format.FloatConversion;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.model.format.PeftMethod;
import io.athanor.training.tuning.Adapter;
import io.athanor.training.tuning.Adapters;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Adapters as folders that PEFT reads and writes.
 *
 * @see <a href="https://huggingface.co/docs/peft">PEFT</a>
 */
public final class PeftAdapters {
  private static final String LOW_RANK = ".lora_";
  private static final Set<String> INPUT_FIRST = Set.of("gpt2");

  private PeftAdapters() {}

  /**
   * The format for {@link io.athanor.api.model.Export}: a folder with what tuning added to a model.
   * It holds models with one adapter of LoRA or prompt tuning.
   *
   * @param base name or path of the model it was tuned from, as PEFT is to find it
   */
  public static ExportFormat format(String base) {
    return ExportFormat.of(
        "PEFT adapter",
        tuned -> {
          PeftAdapter adapter = peft(Adapters.extract(tuned), tuned, base);
          return folder -> {
            PeftFolder.write(adapter, folder);
            return List.of(folder);
          };
        });
  }

  /**
   * Writes what tuning added to a model.
   *
   * @param base name or path of the model it was tuned from, as PEFT is to find it
   * @param folder must be absent or empty
   * @throws io.athanor.api.error.ValidationException if the model has no adapter, or several: split
   *     them first
   * @throws io.athanor.api.error.ConflictException if there is something in the folder already
   * @throws io.athanor.api.error.StorageException if it cannot be written; nothing stays behind
   */
  public static void save(ModelArtifact tuned, String base, Path folder) {
    save(Adapters.extract(tuned), tuned, base, folder);
  }

  /** Writes one of the adapters that {@link Adapters#split} gives of a model. */
  public static void save(Adapter adapter, ModelArtifact tuned, String base, Path folder) {
    PeftFolder.write(peft(adapter, tuned, base), folder);
  }

  static PeftAdapter peft(Adapter adapter, ModelArtifact tuned, String base) {
    TreeSet<String> modules = new TreeSet<>();
    TreeSet<String> saved = new TreeSet<>();
    for (String name : adapter.tensors().keySet()) {
      int at = name.indexOf(LOW_RANK);
      if (at >= 0) {
        modules.add(name.substring(0, at));
      } else if (!name.equals(PeftMethod.PromptSettings.TENSOR)) {
        saved.add(name.substring(0, name.lastIndexOf('.')));
      }
    }
    return new PeftAdapter(
        tuned.architecture(),
        method(adapter, tuned, List.copyOf(modules)),
        Optional.of(task(tuned.task())),
        base,
        adapter.base(),
        List.copyOf(saved),
        adapter.tensors());
  }

  private static PeftMethod method(Adapter adapter, ModelArtifact tuned, List<String> modules) {
    if (adapter.tuning() instanceof Lora lora) {
      return new PeftMethod.LoraSettings(
          lora.rank(),
          lora.alpha(),
          lora.dropout(),
          modules,
          lora.stabilized(),
          false,
          INPUT_FIRST.contains(tuned.architecture()),
          otherRanks(adapter, modules, lora.rank()),
          Map.of());
    }
    Tensor vectors =
        Objects.requireNonNull(adapter.tensors().get(PeftMethod.PromptSettings.TENSOR));
    return new PeftMethod.PromptSettings(
        Math.toIntExact(vectors.size(0)), Math.toIntExact(vectors.size(1)));
  }

  private static Map<String, Integer> otherRanks(Adapter adapter, List<String> modules, int usual) {
    Map<String, Integer> others = new LinkedHashMap<>();
    for (String module : modules) {
      Tensor down = Objects.requireNonNull(adapter.tensors().get(module + LOW_RANK + "A.weight"));
      if (down.size(0) != usual) {
        others.put(module, Math.toIntExact(down.size(0)));
      }
    }
    return others;
  }

  private static String task(Task task) {
    if (task instanceof Task.Classification || task instanceof Task.Regression) {
      return "SEQ_CLS";
    }
    return task instanceof Task.Embedding ? "FEATURE_EXTRACTION" : "CAUSAL_LM";
  }

  /**
   * A model with an adapter from such a folder.
   *
   * @throws io.athanor.api.error.ValidationException if the adapter was made for another model:
   *     layers are missing, shapes differ or, where the folder says whose it is, the digest of the
   *     weights does; lists every problem
   * @throws UnsupportedException if the adapter is of a kind that is not here; names the setting
   * @throws io.athanor.api.error.FormatException if a file is not what it should be
   * @throws io.athanor.api.error.NotFoundException if a file is missing
   */
  public static ModelArtifact load(ModelArtifact base, Path folder) {
    return attached(base, PeftFolder.read(folder));
  }

  static ModelArtifact attached(ModelArtifact base, PeftAdapter peft) {
    Map<String, Tensor> wide = new LinkedHashMap<>();
    peft.tensors()
        .forEach((name, tensor) -> wide.put(name, FloatConversion.convert(tensor, DType.F32)));
    return Adapters.attach(base, new Adapter(tuning(peft), wide, peft.baseDigest()));
  }

  private static Tuning tuning(PeftAdapter peft) {
    if (peft.method() instanceof PeftMethod.LoraSettings lora) {
      if (lora.dora()) {
        throw unsupported(peft, "magnitudes of DoRA", "Train it with use_dora=False");
      }
      if (lora.alphas().values().stream().anyMatch(alpha -> alpha != lora.alpha())) {
        throw unsupported(peft, "an alpha of its own for some layers", "Merge it with PEFT first");
      }
      try {
        return new Lora(
            lora.rank(),
            lora.alpha(),
            lora.dropout(),
            lora.targetModules(),
            lora.rsLora(),
            peft.savedModules(),
            List.of());
      } catch (IllegalArgumentException e) {
        throw new FormatException(peft.source(), String.valueOf(e.getMessage()), e);
      }
    }
    return PromptTuning.tokens(((PeftMethod.PromptSettings) peft.method()).virtualTokens());
  }

  private static UnsupportedException unsupported(PeftAdapter peft, String what, String remedy) {
    return new UnsupportedException("the adapter " + peft.source() + " has " + what, remedy);
  }
}
