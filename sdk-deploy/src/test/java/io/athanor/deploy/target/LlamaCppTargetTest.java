package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.ModelParameters;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What goes to Ollama says the same in llama.cpp, the engine of Ollama. */
@Tag("heavy")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LlamaCppTargetTest {
  @TempDir Path blobs;

  private static FakeOllama.Spoken llamaCpp(
      Path gguf, String prompt, JsonNode options, List<String> stops) {
    ModelParameters parameters =
        new ModelParameters().setModel(gguf.toString()).setCtxSize(64).setThreads(1).disableLog();
    try (LlamaModel model = new LlamaModel(parameters)) {
      String said =
          model.complete(
              new InferenceParameters(prompt)
                  .setTemperature(options.path("temperature").floatValue())
                  .setNPredict(options.path("num_predict").intValue())
                  .setStopStrings(stops.toArray(String[]::new))
                  .setCachePrompt(false));
      return new FakeOllama.Spoken(List.of(said), true);
    }
  }

  @Test
  void theUploadedFileSaysInLlamaCppWhatTheModelSaysHere() {
    ModelArtifact model = ChatModels.chat(5);
    GenerationSettings four = GenerationSettings.greedy().toBuilder().maxNewTokens(4).build();
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        TextDeployment here = new InProcess().backend(backend).text("helper", model);
        FakeOllama ollama = new FakeOllama(blobs, LlamaCppTargetTest::llamaCpp)) {
      GoldenTranscript<TextDeployment> golden =
          GoldenTranscript.ofTexts(
              here,
              List.of(
                  TextRequest.of("win a").settings(four),
                  TextRequest.chat(ChatMessage.system("prize"), ChatMessage.user("at noon"))
                      .settings(four)));

      OllamaTarget.at(ollama.address())
          .precision(GgufPrecision.F32)
          .deploy("helper", model, golden)
          .close();

      assertThat(ollama.names()).containsExactly("helper:latest");
    }
  }
}
