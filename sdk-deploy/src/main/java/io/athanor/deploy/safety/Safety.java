package io.athanor.deploy.safety;

import io.athanor.deploy.serve.TextDeployment;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts filters before and behind a language model:
 *
 * <pre>{@code
 * TextDeployment safe =
 *     Safety.of(live)
 *         .input(PersonalData.all())
 *         .output(RuleFilter.builder().refuse("weapons", "(?i)pipe bomb").build())
 *         .guard();
 * }</pre>
 *
 * <p>Control characters, broken Unicode and, in messages of a conversation, special tokens of the
 * model are always refused. What a filter replaces in a prompt, the model does not see; a prompt
 * that breaks a rule is a {@link io.athanor.api.error.ValidationException} that names the rule. An
 * answer ends before the first passage that is refused, with {@link
 * io.athanor.model.generate.FinishReason#FILTERED}; if anything in it was changed it tells no
 * likelihoods, and its tokens are still those that were generated. Pieces are held back as far as
 * the filters reach, so nothing is heard that is withdrawn later. A filter that fails lets nothing
 * through.
 *
 * <p>Not thread-safe; the guarded deployment is.
 */
public final class Safety {
  private final TextDeployment deployment;
  private final List<TextFilter> input = new ArrayList<>();
  private final List<TextFilter> output = new ArrayList<>();
  private int promptLimit = 100_000;

  private Safety(TextDeployment deployment) {
    this.deployment = deployment;
  }

  /**
   * Begins to guard a model.
   *
   * @param deployment closed with the guarded one
   */
  public static Safety of(TextDeployment deployment) {
    return new Safety(deployment);
  }

  /** Adds a filter for prompts. */
  public Safety input(TextFilter filter) {
    input.add(filter);
    return this;
  }

  /** Adds a filter for answers. */
  public Safety output(TextFilter filter) {
    output.add(filter);
    return this;
  }

  /** Most characters of a prompt, all messages together: at least 1; 100,000 unless set. */
  public Safety promptLimit(int characters) {
    if (characters < 1) {
      throw new IllegalArgumentException("promptLimit must be at least 1, got " + characters);
    }
    promptLimit = characters;
    return this;
  }

  /**
   * The guarded model.
   *
   * @throws io.athanor.api.error.UnsupportedException if it is no language model
   */
  public TextDeployment guard() {
    return new GuardedText(
        deployment, PromptCheck.of(deployment.model(), input, promptLimit), List.copyOf(output));
  }
}
