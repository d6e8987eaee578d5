package io.athanor.registry.archive;

import io.athanor.api.common.Digest;
import java.time.Instant;
import java.util.Optional;

/**
 * What is in a backup.
 *
 * @param digest identifies it: of the list that has the digests of everything else
 * @param created when it was made
 * @param versions number of versions
 * @param contents number of contents: files, reports, documents
 * @param bytes their size
 * @param auditEntries number of entries of the audit log
 * @param auditHead the hash of the last of them
 */
public record BackupSummary(
    Digest digest,
    Instant created,
    long versions,
    long contents,
    long bytes,
    long auditEntries,
    Optional<Digest> auditHead) {}
