package io.athanor.api.registry;

import java.time.Instant;
import java.util.Optional;

/**
 * One change of an alias.
 *
 * @param alias for example {@code "production"}
 * @param from the version it pointed to; absent if it is new
 * @param to the version it points to; absent if it was removed
 * @param at when
 * @param reason why; empty where none was given
 */
public record AliasMove(
    String alias, Optional<VersionId> from, Optional<VersionId> to, Instant at, String reason) {}
