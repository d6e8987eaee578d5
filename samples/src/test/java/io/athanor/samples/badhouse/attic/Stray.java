package io.athanor.samples.badhouse.attic;

/** Lives in no module, in a package that is not null-marked. */
final class Stray {}
