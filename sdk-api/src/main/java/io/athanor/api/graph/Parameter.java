package io.athanor.api.graph;

import io.athanor.api.common.DType;

/**
 * A named array that belongs to the model.
 *
 * @param name canonical name, as in Hugging Face checkpoints where the architecture has one
 * @param shape fixed sizes
 * @param initializer first values when trained from scratch
 * @param role whether gradients apply to it
 * @param type F32; or I8 for the frozen matrix of a {@link QuantizedOp}
 */
public record Parameter(String name, Shape shape, Initializer initializer, Role role, DType type) {
  /** What training does with a parameter. */
  public enum Role {
    /** Updated by the optimizer. */
    TRAINED,
    /** Left as it is. */
    FROZEN,
    /** Updated by an operation's forward pass in training, such as running statistics. */
    STATISTIC
  }

  /** Of type F32. */
  public Parameter(String name, Shape shape, Initializer initializer, Role role) {
    this(name, shape, initializer, role, DType.F32);
  }

  public Parameter {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name must not be blank");
    }
    if (!shape.fixed()) {
      throw new IllegalArgumentException("shape of '" + name + "' must be fixed, got " + shape);
    }
    if (type != DType.F32 && type != DType.I8) {
      throw new IllegalArgumentException("type of '" + name + "' must be F32 or I8, got " + type);
    }
    if (type == DType.I8 && (role != Role.FROZEN || shape.rank() != 2)) {
      throw new IllegalArgumentException(
          "'" + name + "' of type I8 must be a frozen matrix, got " + role + " of shape " + shape);
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
    return new Parameter(name, shape, initializer, other, type);
  }

  public Parameter withType(DType other) {
    return new Parameter(name, shape, initializer, role, other);
  }
}
