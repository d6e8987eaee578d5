package io.athanor.samples.badhouse.backend.djl;

public final class Engine {}
