package io.athanor.samples.mail;

import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.f1;
import static io.athanor.eval.Metrics.noWorseThan;

import io.athanor.api.data.Rows;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.api.training.Schedule;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.pipeline.Compression;
import io.athanor.pipeline.CompressionReport;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.compress.Distillation;
import io.athanor.training.compress.Pruning;
import io.athanor.training.compress.Quantization;
import io.athanor.training.console.Progress;
import io.athanor.training.tuning.Adapters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Three ways to make a spam filter smaller: MiniLM fine-tuned on real e-mails is rounded to 8 bits,
 * loses a quarter of its neurons, and teaches a bag of words. Each is held against it on mails that
 * neither saw: size, latency, quality, and a gate. Takes some three times as long as {@link
 * SpamFilter}.
 */
public final class SmallSpamFilter {
  private SmallSpamFilter() {}

  /**
   * @param arguments optionally the folder for the tables, {@code target/samples/small-mail}
   *     otherwise; and how many tokens of a mail are read, 96 otherwise
   */
  public static void main(String[] arguments) throws IOException {
    Path output = SampleFiles.output(arguments, "small-mail");
    int tokens = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 96;
    Files.createDirectories(output);
    Split words =
        Dataset.from(Csv.of(SampleFiles.data("mail/mail.csv.gz")))
            .text("text")
            .label("label")
            .maximumTokens(tokens)
            .vocabulary(20_000, 2)
            .split(0.7, 0.1, 0.2)
            .seed(7);

    ModelArtifact teacher = tuned(Training.of(MiniLm.read(output.resolve("minilm")), words));
    Split mail = words.encodedBy(teacher.encoding());
    compare(output, "int8", teacher, Quantization.int8().of(teacher), words.test());

    ModelArtifact pruned = tuned(Training.of(Pruning.neurons(0.25).of(teacher), mail));
    compare(output, "pruned", teacher, pruned, words.test());

    ModelArtifact alone = bagOfWords(words).run().model();
    ModelArtifact taught =
        bagOfWords(words)
            .distill(Distillation.from(teacher).reading(mail).temperature(2).weight(0.7))
            .run()
            .model();
    compare(output, "distilled", teacher, taught, words.test());
    compare(output, "distilled-or-alone", alone, taught, words.test());
  }

  private static ModelArtifact tuned(Training training) {
    return Adapters.merge(
        training
            .tuning(Lora.rank(8).alpha(16).alsoTrain("classifier", "pooler.dense"))
            .epochs(1)
            .batchSize(16)
            .learningRate(2e-3)
            .schedule(Schedule.cosine().warmUp(0.1))
            .clipNorm(1)
            .seed(7)
            .listener(Progress.console())
            .run()
            .model());
  }

  private static Training bagOfWords(Split words) {
    Architecture student = Models.bagOfWords().embeddingSize(32).dropout(0.5);
    return Training.of(student, words)
        .epochs(8)
        .batchSize(32)
        .learningRate(3e-3)
        .schedule(Schedule.cosine().warmUp(0.1))
        .clipNorm(1)
        .seed(7)
        .listener(Progress.console());
  }

  private static void compare(
      Path output, String name, ModelArtifact before, ModelArtifact after, Rows test)
      throws IOException {
    CompressionReport report =
        Compression.of(before, after, test)
            .metrics(f1().of("spam"), accuracy())
            .gate(noWorseThan(before).by(f1().of("spam")).margin(0.02))
            .run();
    Files.writeString(output.resolve(name + ".md"), report.toString());
    System.out.println(name + "\n" + report);
  }
}
