package io.athanor.registry.signature;

import io.athanor.api.registry.ModelVersion;
import java.util.List;

/** What came of checking a version's signatures with a key. */
public sealed interface SignatureCheck {
  /** Which of the outcomes it is. */
  enum Kind {
    VALID,
    INVALID,
    UNSIGNED
  }

  Kind kind();

  /**
   * Somebody with the private key has signed the files, and they are what was signed.
   *
   * @param key the key's fingerprint; see {@link PemKeys#fingerprint}
   * @param added when the signature came to the registry, and by whom
   * @param files those that are signed
   * @param ignored those that the signer chose not to sign
   */
  record Valid(String key, ModelVersion.Stamp added, List<String> files, List<String> ignored)
      implements SignatureCheck {
    public Valid {
      files = List.copyOf(files);
      ignored = List.copyOf(ignored);
    }

    @Override
    public Kind kind() {
      return Kind.VALID;
    }
  }

  /**
   * There are signatures, and none is a good one of this key.
   *
   * @param reason why not
   */
  record Invalid(String reason) implements SignatureCheck {
    @Override
    public Kind kind() {
      return Kind.INVALID;
    }
  }

  /** There is no signature. */
  record Unsigned() implements SignatureCheck {
    @Override
    public Kind kind() {
      return Kind.UNSIGNED;
    }
  }
}
