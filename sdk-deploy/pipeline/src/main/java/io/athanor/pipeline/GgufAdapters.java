package io.athanor.pipeline;

import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.gguf.GgufAdapter;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.training.tuning.Adapters;
import java.nio.file.Path;

/**
 * LoRA adapters as GGUF files, which llama.cpp puts beside their base: {@code llama-cli -m
 * base.gguf --lora adapter.gguf}. The base itself is written by {@link
 * io.athanor.model.format.gguf.Gguf#write}.
 */
public final class GgufAdapters {
  private GgufAdapters() {}

  /**
   * The format for {@link io.athanor.api.model.Export}. It holds models with one LoRA adapter on
   * layers that GGUF keeps, of an architecture that it knows, without a head or other layers that
   * were trained as a whole.
   *
   * @param precision of the matrices
   */
  public static ExportFormat format(GgufPrecision precision) {
    return ExportFormat.of("GGUF adapter, " + precision, tuned -> prepared(tuned, precision));
  }

  /**
   * Writes what LoRA added to a model; of several adapters, {@link Adapters#split} them and {@link
   * Adapters#attach} the one that is meant first.
   *
   * @param file is replaced if there is one
   * @param precision of the matrices
   * @throws io.athanor.api.error.ValidationException if the model does not have one LoRA adapter,
   *     or one of its layers is none that GGUF keeps; lists every layer
   * @throws io.athanor.api.error.UnsupportedException if a head or other layers were trained as a
   *     whole, or GGUF does not know the architecture
   * @throws io.athanor.api.error.StorageException if it cannot be written; nothing stays behind
   */
  public static void save(ModelArtifact tuned, Path file, GgufPrecision precision) {
    prepared(tuned, precision).writeTo(file);
  }

  private static ExportFormat.Prepared prepared(ModelArtifact tuned, GgufPrecision precision) {
    PeftAdapter adapter = PeftAdapters.peft(Adapters.extract(tuned), tuned, "");
    GgufAdapter.requireHeld(adapter);
    return GgufAdapter.prepared(adapter, Pretrained.published(Adapters.merge(tuned)), precision);
  }

  /**
   * A model with an adapter from such a file. GGUF does not say whose weights it was made with, so
   * only names and shapes are checked.
   *
   * @throws io.athanor.api.error.FormatException if the file is not what it should be, or the
   *     adapter is for another model
   * @throws io.athanor.api.error.UnsupportedException if the adapter is of a kind that is not here
   * @throws io.athanor.api.error.NotFoundException if there is no such file
   */
  public static ModelArtifact load(ModelArtifact base, Path file) {
    return PeftAdapters.attached(base, GgufAdapter.read(file, Pretrained.published(base)));
  }
}
