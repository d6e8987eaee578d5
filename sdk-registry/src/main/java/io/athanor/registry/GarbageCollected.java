package io.athanor.registry;

/**
 * What a garbage collection removed.
 *
 * @param registrations that had died before anything was in place
 * @param folders of versions that never became visible or were deleted
 * @param contents that no version has
 */
public record GarbageCollected(int registrations, int folders, int contents) {}
