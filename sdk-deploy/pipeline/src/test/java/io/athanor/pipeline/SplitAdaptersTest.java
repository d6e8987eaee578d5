package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.data.AdapterData;
import io.athanor.data.TextSplit;
import io.athanor.model.Models;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.tuning.Adapter;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters that were trained at once leave as folders of PEFT, and come back one by one. */
class SplitAdaptersTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir private Path home;

  @Test
  void eachSaysMergedWhatItsRowsSaidBesideTheOthers() throws IOException {
    List<TextSplit> sets = List.of(counting(1), counting(2), counting(3));
    ModelArtifact base =
        training(Training.of(Models.llama(1, 8, 2, 1, 16), sets.get(0)), 4).run().model();
    Lora lora = Lora.rank(2).alpha(4).targets("q_proj", "down_proj").adapters("x", "y", "z");
    ModelArtifact together =
        training(Training.of(base, AdapterData.of(sets)), 12).tuning(lora).run().model();

    List<Float> moved = new ArrayList<>();
    for (Map.Entry<String, Adapter> adapter : Adapters.split(together).entrySet()) {
      Path folder = home.resolve(adapter.getKey());
      PeftAdapters.save(adapter.getValue(), together, "some/base", folder);
      ModelArtifact merged = Adapters.merge(PeftAdapters.load(base, folder));

      Adapters.requireAgreement(
          together, merged, backend, inputs(lora.adapters().indexOf(adapter.getKey())), 1e-5);
      moved.add(merged.weights().tensor("model.layers.0.self_attn.q_proj.weight").floats()[0]);
    }
    assertThat(moved).hasSize(3).doesNotHaveDuplicates();
  }

  private Training training(Training of, int rows) {
    return of.backend(backend).batchSize(rows).epochs(2).learningRate(0.02).seed(5);
  }

  private TextSplit counting(int by) throws IOException {
    return CountingLetters.by(by, home);
  }

  private static Map<String, Tensor> inputs(long adapter) {
    long[] tokens = {3, 4, 5, 6, 7, 8};
    return Map.of(
        LanguageEncoding.TOKENS, Tensor.ofLongs(tokens, 2, 3),
        LanguageEncoding.ADAPTER, Tensor.ofLongs(new long[] {adapter, adapter}, 2));
  }
}
