package io.athanor.server.access;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Keys that callers of a server show. A key is {@code ath_}, eight digits by which it is found, and
 * 256 random bits; only the SHA-256 of the whole is kept, so nobody can read a key back. Where they
 * are in a file, one process may have it open. Thread-safe.
 */
public final class ApiKeys {
  /** How every key begins. */
  static final String MARK = "ath_";

  private static final int PREFIX = MARK.length() + 8;
  private static final int SECRET_BYTES = 32;
  private static final int MOST = 100_000;
  private static final int FORMAT = 1;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SecureRandom RANDOM = new SecureRandom();

  private final @Nullable Path file;
  private final Clock clock;
  private volatile Map<String, Entry> entries;

  private ApiKeys(@Nullable Path file, Clock clock, Map<String, Entry> entries) {
    this.file = file;
    this.clock = clock;
    this.entries = entries;
  }

  /**
   * What is known of a key.
   *
   * @param prefix how it begins; identifies it
   * @param hash its SHA-256 in hexadecimal
   * @param principal whose it is
   * @param permissions the most that may be done with it
   * @param created when it was issued
   * @param expires when it ends to be valid; absent for never
   */
  public record Entry(
      String prefix,
      String hash,
      Principal principal,
      Set<Permission> permissions,
      Instant created,
      Optional<Instant> expires) {
    public Entry {
      permissions = Set.copyOf(permissions);
    }
  }

  /**
   * A new key.
   *
   * @param secret the key itself, which is not kept
   * @param entry what is
   */
  public record Issued(Secret secret, Entry entry) {}

  /** Keys that are forgotten with this object. */
  public static ApiKeys inMemory() {
    return inMemory(Clock.systemUTC());
  }

  /** Keys that are forgotten with this object, and expire by this clock. */
  public static ApiKeys inMemory(Clock clock) {
    return new ApiKeys(null, clock, Map.of());
  }

  /**
   * Keys in a file, which is made with the first one.
   *
   * @throws FormatException if it is damaged
   * @throws StorageException if it cannot be read
   */
  public static ApiKeys in(Path file) {
    return in(file, Clock.systemUTC());
  }

  /** Keys in a file that expire by a clock; see {@link #in(Path)}. */
  public static ApiKeys in(Path file, Clock clock) {
    return new ApiKeys(file, clock, Files.exists(file) ? read(file) : Map.of());
  }

  /** A key that does not expire. */
  public Issued issue(Principal principal, Set<Permission> permissions) {
    return issue(principal, permissions, Optional.empty());
  }

  /**
   * A key that expires.
   *
   * @param lifetime above zero
   */
  public Issued issue(Principal principal, Set<Permission> permissions, Duration lifetime) {
    if (lifetime.isNegative() || lifetime.isZero()) {
      throw new IllegalArgumentException("lifetime must be above 0, got " + lifetime);
    }
    return issue(principal, permissions, Optional.of(clock.instant().plus(lifetime)));
  }

  private synchronized Issued issue(
      Principal principal, Set<Permission> permissions, Optional<Instant> expires) {
    if (permissions.isEmpty()) {
      throw new IllegalArgumentException("permissions must have at least one");
    }
    String prefix = freePrefix();
    byte[] random = new byte[SECRET_BYTES];
    RANDOM.nextBytes(random);
    String key = prefix + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    Entry entry =
        new Entry(
            prefix,
            HexFormat.of().formatHex(sha256(key)),
            principal,
            permissions,
            clock.instant(),
            expires);
    Map<String, Entry> next = new TreeMap<>(entries);
    next.put(prefix, entry);
    keep(next);
    return new Issued(Secret.of(key), entry);
  }

  private String freePrefix() {
    String prefix;
    do {
      prefix = MARK + HexFormat.of().toHexDigits(RANDOM.nextInt());
    } while (entries.containsKey(prefix));
    return prefix;
  }

  /**
   * Makes a key invalid at once.
   *
   * @return whether it was there
   */
  public synchronized boolean revoke(String prefix) {
    Map<String, Entry> next = new TreeMap<>(entries);
    boolean there = next.remove(prefix) != null;
    if (there) {
      keep(next);
    }
    return there;
  }

  /** Every key there is, in the order of their prefixes. */
  public List<Entry> entries() {
    return List.copyOf(entries.values());
  }

  /** What is known of a key somebody shows; empty if it is none, or not valid any more. */
  Optional<Entry> find(String key) {
    Entry entry = key.length() < PREFIX ? null : entries.get(key.substring(0, PREFIX));
    byte[] expected =
        entry == null ? new byte[SECRET_BYTES] : HexFormat.of().parseHex(entry.hash());
    boolean same = MessageDigest.isEqual(sha256(key), expected);
    if (entry == null || !same) {
      return Optional.empty();
    }
    boolean expired = entry.expires().filter(end -> !clock.instant().isBefore(end)).isPresent();
    return expired ? Optional.empty() : Optional.of(entry);
  }

  private void keep(Map<String, Entry> next) {
    if (next.size() > MOST) {
      throw new IllegalStateException("there are " + MOST + " keys already; revoke some");
    }
    if (file != null) {
      write(file, next);
    }
    entries = next;
  }

  private static void write(Path file, Map<String, Entry> entries) {
    ObjectNode root = JSON.createObjectNode().put("format", FORMAT);
    var keys = root.putArray("keys");
    for (Entry entry : entries.values()) {
      ObjectNode key =
          keys.addObject()
              .put("prefix", entry.prefix())
              .put("sha256", entry.hash())
              .put("principal", entry.principal().name())
              .put("created", entry.created().toString());
      entry.expires().ifPresent(end -> key.put("expires", end.toString()));
      var permissions = key.putArray("permissions");
      new TreeSet<>(entry.permissions()).forEach(one -> permissions.add(JsonFields.lower(one)));
    }
    try {
      AtomicFile.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A tree can always be written", e);
    }
  }

  private static Map<String, Entry> read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new StorageException(
          file.toString(), "cannot be read (" + e + "); check path and permissions", e);
    }
    JsonFields root = JsonFields.parse(file.toString(), text);
    if (root.smallInteger("format") != FORMAT) {
      throw root.fail("a newer library wrote these keys; use that one");
    }
    Map<String, Entry> entries = new TreeMap<>();
    for (Entry entry : root.objects("keys", MOST, ApiKeys::entry)) {
      entries.put(entry.prefix(), entry);
    }
    root.requireNoMore();
    return entries;
  }

  private static Entry entry(JsonFields key) {
    String hash = key.text("sha256");
    if (!hash.matches("[0-9a-f]{64}")) {
      throw key.fail("'sha256' must be 64 hexadecimal digits");
    }
    Entry entry =
        key.checked(
            () ->
                new Entry(
                    key.text("prefix"),
                    hash,
                    new Principal(key.text("principal")),
                    Set.copyOf(permissions(key)),
                    key.instant("created"),
                    key.has("expires") ? Optional.of(key.instant("expires")) : Optional.empty()));
    key.requireNoMore();
    return entry;
  }

  private static Set<Permission> permissions(JsonFields key) {
    Set<Permission> permissions = new TreeSet<>();
    for (String name : key.texts("permissions", Permission.values().length)) {
      permissions.add(
          Permissions.of(name)
              .orElseThrow(() -> key.fail("there is no permission '" + name + "'")));
    }
    return permissions;
  }

  private static byte[] sha256(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }
}
