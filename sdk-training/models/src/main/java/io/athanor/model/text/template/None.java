package io.athanor.model.text.template;

/** The value that templates write {@code none}. */
public enum None {
  NONE
}
