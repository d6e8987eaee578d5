/**
 * The part of the Jinja template language that chat templates are written in: lexer, parser and
 * interpreter, with bounds on depth, work and size, because a template comes from a stranger.
 */
@NullMarked
package io.athanor.model.text.template;

import org.jspecify.annotations.NullMarked;
