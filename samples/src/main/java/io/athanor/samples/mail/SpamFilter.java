package io.athanor.samples.mail;

import io.athanor.api.training.Lora;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The main job: 3,216 real e-mails and a published encoder become a spam filter. Fine-tunes MiniLM
 * with LoRA, then does what {@link Release} says.
 *
 * <p>Run it twice, or {@link WordSpamFilter} after it: the second model has to stand up to the
 * first.
 */
public final class SpamFilter {
  private SpamFilter() {}

  /**
   * @param arguments optionally the folder for registry and report; {@code target/samples/mail}
   *     otherwise
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path output = SampleFiles.output(arguments, "mail");
    Split mail =
        Dataset.from(Csv.of(SampleFiles.data("mail/mail.csv.gz")))
            .text("text")
            .label("label")
            .maximumTokens(96)
            .split(0.7, 0.1, 0.2)
            .seed(7);
    System.out.println(mail.dataset().profile());

    TrainingResult result =
        Training.of(MiniLm.read(output.resolve("minilm")), mail)
            .tuning(Lora.rank(8).alpha(16).alsoTrain("classifier", "pooler.dense"))
            .epochs(1)
            .batchSize(16)
            .learningRate(2e-3)
            .schedule(Schedule.cosine().warmUp(0.1))
            .clipNorm(1)
            .seed(7)
            .listener(Progress.console())
            .start()
            .await();
    Release.run(result, mail, output);
  }
}
