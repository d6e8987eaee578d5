package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Precision;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.Prompt;
import io.athanor.model.generate.TextGenerator;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads what was uploaded and generates from it, in the place of llama.cpp. */
record GgufMouth(Backend backend) implements FakeOllama.Mouth {
  @Override
  public FakeOllama.Spoken continued(
      Path gguf, String prompt, JsonNode options, List<String> stops) {
    Pretrained read = Pretrained.of(Gguf.read(gguf));
    LanguageEncoding encoding = read.encoding(new Task.Generation("text"), 64);
    ModelArtifact model = read.artifact(encoding, Clock.systemUTC());
    GenerationSettings.Builder settings =
        GenerationSettings.greedy().toBuilder()
            .maxNewTokens(options.path("num_predict").asInt())
            .temperature(options.path("temperature").asDouble());
    stops.forEach(settings::stopAt);
    List<String> pieces = new ArrayList<>();
    try (TextGenerator generator = TextGenerator.of(model, backend, Precision.F32)) {
      Generated said =
          generator
              .generate(
                  List.of(new Prompt(prompt, true, Map.of())),
                  settings.build(),
                  (row, piece) -> pieces.add(piece))
              .get(0);
      return new FakeOllama.Spoken(pieces, said.finish() == FinishReason.LENGTH);
    }
  }
}
