package io.athanor.samples.badhouse.api;

/** Keeps every rule, and may be used by every module. */
public final class WellBuilt {}
