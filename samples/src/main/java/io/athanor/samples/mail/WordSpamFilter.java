package io.athanor.samples.mail;

import static io.athanor.api.training.Patience.patience;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.model.Models;
import io.athanor.samples.files.SampleFiles;
import io.athanor.training.Training;
import io.athanor.training.console.Progress;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A spam filter from nothing but the mails: word embeddings, averaged. Trained in seconds; meets
 * the fine-tuned {@link SpamFilter} in the registry if that ran before.
 */
public final class WordSpamFilter {
  private WordSpamFilter() {}

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
            .maximumTokens(500)
            .vocabulary(20_000, 2)
            .split(0.7, 0.1, 0.2)
            .seed(7);
    System.out.println(mail.dataset().profile());

    TrainingResult result =
        Training.of(Models.bagOfWords().embeddingSize(128).dropout(0.5), mail)
            .epochs(8)
            .batchSize(32)
            .learningRate(3e-3)
            .optimizer(Optimizer.adamW(0.01))
            .schedule(Schedule.cosine().warmUp(0.1))
            .clipNorm(1)
            .stopEarly("validation.loss", patience(4))
            .seed(7)
            .listener(Progress.console())
            .start()
            .await();
    Release.run(result, mail, output);
  }
}
