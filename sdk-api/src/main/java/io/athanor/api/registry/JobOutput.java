package io.athanor.api.registry;

import java.time.Instant;

/**
 * What a job has brought into a registry.
 *
 * @param job its name, as the registrations give it
 * @param versions how many it made that are still there
 * @param first when the oldest of them was registered
 * @param last when the newest of them was registered
 */
public record JobOutput(String job, long versions, Instant first, Instant last) {}
