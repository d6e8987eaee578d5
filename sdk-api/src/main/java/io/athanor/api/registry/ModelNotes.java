package io.athanor.api.registry;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What people say of a version; it can be changed later. Each method gives new notes.
 *
 * @param description a text; may be empty
 * @param licence an SPDX expression, for example {@code "Apache-2.0"}
 * @param terms what else users must know or agree to
 * @param specialisation the purpose it was made for
 * @param tags keys with values
 */
public record ModelNotes(
    String description,
    Optional<String> licence,
    Optional<String> terms,
    Optional<String> specialisation,
    Map<String, String> tags) {
  public ModelNotes {
    tags = Collections.unmodifiableMap(new TreeMap<>(tags));
  }

  /** Nothing said yet. */
  public static ModelNotes none() {
    return new ModelNotes("", Optional.empty(), Optional.empty(), Optional.empty(), Map.of());
  }

  /** With another description; may be empty. */
  public ModelNotes withDescription(String text) {
    return new ModelNotes(text, licence, terms, specialisation, tags);
  }

  /** With another licence. */
  public ModelNotes withLicence(String expression) {
    return new ModelNotes(description, said("expression", expression), terms, specialisation, tags);
  }

  /** Without a licence: nobody said under which one it may be used. */
  public ModelNotes withoutLicence() {
    return new ModelNotes(description, Optional.empty(), terms, specialisation, tags);
  }

  /** With other terms of use. */
  public ModelNotes withTerms(String text) {
    return new ModelNotes(description, licence, said("text", text), specialisation, tags);
  }

  /** Without terms of use. */
  public ModelNotes withoutTerms() {
    return new ModelNotes(description, licence, Optional.empty(), specialisation, tags);
  }

  /** With another purpose. */
  public ModelNotes withSpecialisation(String purpose) {
    return new ModelNotes(description, licence, terms, said("purpose", purpose), tags);
  }

  /** Without a purpose. */
  public ModelNotes withoutSpecialisation() {
    return new ModelNotes(description, licence, terms, Optional.empty(), tags);
  }

  /** With a tag, in place of one with the same key. */
  public ModelNotes withTag(String key, String value) {
    said("key", key);
    Map<String, String> all = new TreeMap<>(tags);
    all.put(key, value);
    return new ModelNotes(description, licence, terms, specialisation, all);
  }

  /** Without a tag. */
  public ModelNotes withoutTag(String key) {
    Map<String, String> all = new TreeMap<>(tags);
    all.remove(key);
    return new ModelNotes(description, licence, terms, specialisation, all);
  }

  private static Optional<String> said(String parameter, String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException(parameter + " must not be blank");
    }
    return Optional.of(text);
  }
}
