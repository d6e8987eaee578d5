package io.athanor.deploy.safety;

import io.athanor.api.data.Task;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.model.Prediction;
import java.util.List;
import java.util.Optional;

/**
 * Refuses texts that a classifier gives a label. It must see a text whole, so an answer that it
 * looks at is not streamed. If the classifier fails, so does what asked it: nothing goes out
 * unseen. Thread-safe.
 */
public final class ClassifierFilter implements TextFilter {
  private final Deployment classifier;
  private final String label;
  private final double threshold;

  private ClassifierFilter(Deployment classifier, String label, double threshold) {
    this.classifier = classifier;
    this.label = label;
    this.threshold = threshold;
  }

  /**
   * A filter.
   *
   * @param classifier reads one text column and gives labels; stays the caller's to close
   * @param label of texts to refuse
   * @param threshold least probability of the label to refuse at, in (0, 1]
   */
  public static ClassifierFilter of(Deployment classifier, String label, double threshold) {
    if (!(threshold > 0 && threshold <= 1)) {
      throw new IllegalArgumentException("threshold must be in (0, 1], got " + threshold);
    }
    if (!(classifier.model().task() instanceof Task.Classification task)
        || !task.labels().contains(label)) {
      throw new IllegalArgumentException(
          "label must be one of those of "
              + classifier.model()
              + ", whose task is "
              + classifier.model().task()
              + "; got '"
              + label
              + "'");
    }
    return new ClassifierFilter(classifier, label, threshold);
  }

  @Override
  public List<FilterMatch> inspect(String text) {
    if (text.isBlank()) {
      return List.of();
    }
    Answer answer = classifier.predict(text);
    return answer.prediction() instanceof Prediction.Label found
            && found.probability(label) >= threshold
        ? List.of(new FilterMatch(0, text.length(), label, Optional.empty()))
        : List.of();
  }

  @Override
  public int reach() {
    return WHOLE_TEXT;
  }
}
