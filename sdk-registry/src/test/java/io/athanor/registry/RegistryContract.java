package io.athanor.registry;

import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests that hold whatever database keeps what is known about versions. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestStore.class)
abstract class RegistryContract {
  @Parameter TestStore store;

  @BeforeParameterizedClassInvocation
  static void requireServer(TestStore needed) {
    needed.require();
  }
}
