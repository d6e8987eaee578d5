package io.athanor.deploy.monitor;

/**
 * An answer that can be spoken of.
 *
 * @param id by which {@link Feedback} names it
 * @param answer what the deployment said
 */
public record Asked<T>(String id, T answer) {}
