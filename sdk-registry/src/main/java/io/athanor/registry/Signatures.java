package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.governance.Document;
import io.athanor.registry.signature.PemKeys;
import io.athanor.registry.signature.SignatureBundle;
import io.athanor.registry.signature.SignatureCheck;
import io.athanor.registry.store.AuditTable.Change;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Signatures over the files of versions, in the form of OpenSSF's model signing 1.x. They are kept
 * as documents of the kind {@link Document#SIGNATURE}, and say nothing of notes and metrics. Keys
 * are the caller's: the registry keeps none. Thread-safe.
 */
public final class Signatures {
  private static final int MOST_BYTES = 1 << 25;

  private final ModelRegistry registry;

  Signatures(ModelRegistry registry) {
    this.registry = registry;
  }

  /**
   * Signs all files of a version, after reading them. Asks for {@link Permission#UPDATE}.
   *
   * @param keys of ECDSA on P-256, P-384 or P-521, or of Ed25519; {@link PemKeys} reads some
   * @return the bundle, to be kept elsewhere too
   * @throws FormatException if a file is not what was registered
   * @throws ValidationException if the keys are no pair
   * @throws io.athanor.api.error.UnsupportedException if they are of another kind
   */
  public String sign(ModelVersion version, KeyPair keys) {
    version.verify();
    String bundle = SignatureBundle.sign(version.name(), version.manifest(), keys);
    keep(version, bundle, PemKeys.fingerprint(keys.getPublic()));
    return bundle;
  }

  /**
   * Keeps a signature that was made elsewhere. Asks for {@link Permission#UPDATE}.
   *
   * @param bundle its JSON
   * @throws FormatException if it is no signature over files
   * @throws ValidationException if it is about other files than the version's
   */
  public void add(ModelVersion version, String bundle) {
    SignatureBundle read = SignatureBundle.read("the signature", bundle);
    List<String> differences = read.differences(version.manifest());
    if (!differences.isEmpty()) {
      throw new ValidationException("signature of " + version.id(), differences);
    }
    keep(version, bundle, read.key().orElse("that is not named"));
  }

  private void keep(ModelVersion version, String bundle, String key) {
    byte[] content = bundle.getBytes(StandardCharsets.UTF_8);
    if (content.length > MOST_BYTES) {
      throw new ValidationException(
          "signature", List.of("it may have at most " + MOST_BYTES + " bytes"));
    }
    try (StagedFiles staged = registry.files().stage()) {
      Digest digest = staged.add(content);
      registry
          .changes()
          .apply(
              Permission.UPDATE,
              version.name(),
              (session, audit) -> {
                if (registry.versionTable().find(session, version.id()).isEmpty()) {
                  throw new NotFoundException(
                      "version " + version.id(), List.of(), "It has been deleted");
                }
                boolean added =
                    registry
                        .governance()
                        .documents()
                        .add(
                            session,
                            new Document(
                                version.id(),
                                Document.SIGNATURE,
                                digest,
                                content.length,
                                SignatureBundle.MEDIA_TYPE,
                                ModelVersion.Stamp.of(registry.now(), registry.principal())));
                if (added) {
                  audit.record(
                      new Change(
                          "sign",
                          version.id().toString(),
                          Optional.empty(),
                          Optional.of(digest.hex()),
                          "key " + key));
                  staged.publish();
                }
                return added;
              });
    }
  }

  /** The signatures of a version as JSON, oldest first. */
  public List<String> of(ModelVersion version) {
    return documents(version).stream().map(this::content).toList();
  }

  private List<Document> documents(ModelVersion version) {
    return registry.documents(version).list(Document.SIGNATURE);
  }

  /**
   * Whether somebody with the private key has signed the version; reads all its files.
   *
   * @throws io.athanor.api.error.UnsupportedException if the key is none of ECDSA or Ed25519
   * @throws StorageException if a file cannot be read
   */
  public SignatureCheck verify(ModelVersion version, PublicKey key) {
    List<String> reasons = new ArrayList<>();
    for (Document document : documents(version)) {
      Optional<SignatureBundle> bundle = bundle(document, reasons);
      List<String> problems =
          bundle.map(b -> b.problems(key, version.manifest())).orElse(List.of());
      if (bundle.isPresent() && problems.isEmpty()) {
        return checkFiles(version, key, document, bundle.get());
      }
      reasons.addAll(problems);
    }
    return reasons.isEmpty()
        ? new SignatureCheck.Unsigned()
        : new SignatureCheck.Invalid(String.join("; ", reasons));
  }

  private Optional<SignatureBundle> bundle(Document document, List<String> reasons) {
    try {
      return Optional.of(SignatureBundle.read(document.toString(), content(document)));
    } catch (FormatException e) {
      reasons.add(e.getMessage());
      return Optional.empty();
    }
  }

  private static SignatureCheck checkFiles(
      ModelVersion version, PublicKey key, Document document, SignatureBundle bundle) {
    try {
      version.verify();
    } catch (FormatException e) {
      return new SignatureCheck.Invalid("what was signed has changed: " + e.getMessage());
    }
    List<String> ignored = bundle.unsigned(version.manifest());
    List<String> signed =
        version.manifest().files().stream()
            .map(Manifest.Entry::path)
            .filter(path -> !ignored.contains(path))
            .toList();
    return new SignatureCheck.Valid(PemKeys.fingerprint(key), document.added(), signed, ignored);
  }

  private String content(Document document) {
    return new String(registry.governance().content(document.digest()), StandardCharsets.UTF_8);
  }
}
