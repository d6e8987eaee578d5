package io.athanor.registry;

/**
 * What a garbage collection removed.
 *
 * @param registrations that had died before anything was in place, and uploads to the store that
 *     were never ended
 * @param folders of versions that never became visible or were deleted
 * @param contents that no version has, here or in the store
 */
public record GarbageCollected(int registrations, int folders, int contents) {}
