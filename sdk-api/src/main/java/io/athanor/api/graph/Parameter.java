package io.athanor.api.graph;

/**
 * A named array that belongs to the model.
 *
 * @param name canonical name, as in Hugging Face checkpoints where the architecture has one
 * @param shape fixed sizes
 * @param initializer first values when trained from scratch
 * @param role whether gradients apply to it
 */
public record Parameter(String name, Shape shape, Initializer initializer, Role role) {
  /** What training does with a parameter. */
  public enum Role {
    /** Updated by the optimizer. */
    TRAINED,
    /** Left as it is. */
    FROZEN,
    /** Updated by an operation's forward pass in training, such as running statistics. */
    STATISTIC
  }

  public Parameter {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name must not be blank");
    }
    if (!shape.fixed()) {
      throw new IllegalArgumentException("shape of '" + name + "' must be fixed, got " + shape);
    }
  }

  public boolean trained() {
    return role == Role.TRAINED;
  }

  /** Whether training changes it: trained, or a statistic. */
  public boolean learned() {
    return role != Role.FROZEN;
  }

  /** Whether decoupled weight decay applies: matrices decay, vectors and scalars do not. */
  public boolean decays() {
    return trained() && shape.rank() >= 2;
  }

  public Parameter withRole(Role other) {
    return new Parameter(name, shape, initializer, other);
  }
}
