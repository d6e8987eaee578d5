package io.athanor.api.registry;

import io.athanor.api.common.Digest;
import java.time.Instant;
import java.util.Optional;

/**
 * One change of a registry.
 *
 * @param number counted from 1, without gaps
 * @param at when
 * @param principal who
 * @param action what, for example {@code "promote"}
 * @param subject of what, for example {@code "spam-filter@production"}
 * @param before what was there
 * @param after what is there now
 * @param reason why; empty if nobody said
 * @param hash of this entry and of the hash before it
 */
public record AuditEntry(
    long number,
    Instant at,
    Principal principal,
    String action,
    String subject,
    Optional<String> before,
    Optional<String> after,
    String reason,
    Digest hash) {}
