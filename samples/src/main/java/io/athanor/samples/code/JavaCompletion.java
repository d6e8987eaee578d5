package io.athanor.samples.code;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.model.Export;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.Schedule;
import io.athanor.data.TextDataset;
import io.athanor.data.TextSplit;
import io.athanor.data.source.JsonLines;
import io.athanor.eval.LanguageScore;
import io.athanor.eval.Perplexity;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import io.athanor.pipeline.PeftAdapters;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/**
 * Teaches a published language model to write method bodies: LoRA on the documented methods of
 * commons-lang3. Measures perplexity on methods it never sees, before and after; leaves the adapter
 * as a PEFT folder, and the merged model as a Hugging Face folder and as a GGUF file.
 */
public final class JavaCompletion {
  private static final String PROMPT =
      "/** Tells whether a number is even. */\npublic static boolean isEven(int number) ";

  private JavaCompletion() {}

  /**
   * @param arguments the model, a GGUF file or a Hugging Face folder; then optionally the folder
   *     for results, {@code target/samples/code} otherwise, and how many methods to read, 400
   *     otherwise
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 0) {
      System.out.println("Name the model: a GGUF file or a Hugging Face folder");
      return;
    }
    Path output =
        arguments.length > 1 ? Path.of(arguments[1]) : SampleFiles.output(new String[0], "code");
    int count = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 400;
    Path lines = output.resolve("methods.jsonl");
    JavaMethods.write(SourceJar.texts(SourceJar.commonsLang("**.java")), count, lines);
    TextSplit methods =
        TextDataset.completions(JsonLines.of(lines), "prompt", "completion")
            .contextLength(256)
            .withoutLong()
            .split(0.8, 0.1, 0.1)
            .seed(7);
    try (Backend backend = Backends.installed().only().open(BackendOptions.defaults())) {
      teach(Models.pretrained(read(Path.of(arguments[0]))), methods, backend, output);
    }
  }

  private static PretrainedModel read(Path model) {
    return Files.isDirectory(model) ? HuggingFaceFolder.read(model) : Gguf.read(model);
  }

  private static void teach(Pretrained model, TextSplit methods, Backend backend, Path output) {
    ModelArtifact before =
        model.artifact(methods.readAs(model.reading().orElseThrow()).encoding(), Clock.systemUTC());
    ModelArtifact tuned =
        Training.of(model, methods)
            .tuning(Lora.rank(8).alpha(16).targets("q_proj", "k_proj", "v_proj", "o_proj"))
            .epochs(1)
            .batchSize(8)
            .learningRate(5e-4)
            .schedule(Schedule.cosine().warmUp(0.1))
            .clipNorm(1)
            .seed(7)
            .backend(backend)
            .listener(Progress.console())
            .run()
            .model();
    ModelArtifact merged = Adapters.merge(tuned);

    var held = methods.encodedBy(tuned.encoding()).test();
    LanguageScore was = Perplexity.of(before, held).on(backend).run();
    LanguageScore is = Perplexity.of(tuned, held).on(backend).run();
    System.out.println("Before: " + was);
    System.out.println("After:  " + is);
    System.out.println(is.against(was));
    for (ModelArtifact one : List.of(before, merged)) {
      try (TextGenerator generator = TextGenerator.of(one, backend)) {
        System.out.println(PROMPT + generator.generate(PROMPT, settings()).text() + "\n");
      }
    }
    PeftAdapters.save(tuned, "the model it was tuned from", output.resolve("adapter"));
    Export.of(merged)
        .to(output.resolve("merged"), Pretrained.format())
        .to(output.resolve("merged.gguf"), Gguf.format(GgufPrecision.F16))
        .write()
        .forEach(System.out::println);
    System.out.println("Adapter, merged folder and GGUF: " + output.toAbsolutePath());
  }

  private static GenerationSettings settings() {
    return GenerationSettings.builder().maxNewTokens(48).build();
  }
}
