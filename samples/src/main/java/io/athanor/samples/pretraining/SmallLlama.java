package io.athanor.samples.pretraining;

import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.TextDataset;
import io.athanor.data.TextSplit;
import io.athanor.data.source.TextFiles;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.text.BytePairTraining;
import io.athanor.samples.code.SourceJar;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A language model from nothing: a byte-level vocabulary and a small Llama learn the Java of
 * commons-lang3. Kill it and run it again: it goes on from the newest checkpoint, bit by bit.
 */
public final class SmallLlama {
  private static final String END = "<|endoftext|>";

  private SmallLlama() {}

  /**
   * @param arguments optionally the folder for results, {@code target/samples/pretraining}
   *     otherwise; the number of epochs, 2 otherwise; and which files to read, all otherwise
   */
  public static void main(String[] arguments) throws IOException {
    Path output = SampleFiles.output(arguments, "pretraining");
    int epochs = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 2;
    TextFiles files = SourceJar.commonsLang(arguments.length > 2 ? arguments[2] : "**.java");
    String vocabulary = BytePairTraining.of(2048).specialTokens(END).train(SourceJar.texts(files));
    Tokenizer tokenizer = Tokenizers.read("the vocabulary of this sample", vocabulary);
    TextSplit code =
        TextDataset.documents(files, TextFiles.TEXT)
            .tokenizer(tokenizer)
            .contextLength(128)
            .packed()
            .split(0.95, 0.05)
            .seed(7);
    TrainingResult result =
        Training.of(Models.llama(4, 128, 4, 2, 344), code)
            .epochs(epochs)
            .batchSize(16)
            .learningRate(2e-3)
            .schedule(Schedule.cosine().warmUp(0.05))
            .clipNorm(1)
            .checkpoints(output.resolve("checkpoints"))
            .checkpointEvery(50)
            .seed(7)
            .listener(Progress.console())
            .run();
    result
        .history()
        .evaluations()
        .forEach(at -> System.out.println("step " + at.step() + " " + at.metrics()));
    ModelArtifact model = result.model();
    System.out.println("Weights " + model.weightsDigest());
    Path folder = output.resolve("model");
    if (Files.notExists(folder)) {
      HuggingFaceFolder.write(Pretrained.published(model), folder);
    }
    System.out.println("Hugging Face folder: " + folder.toAbsolutePath());
  }
}
