package io.athanor.model.text.template;

/** Something that a template may call. */
@FunctionalInterface
interface Function {
  Object call(Rendering rendering, Arguments arguments);
}
