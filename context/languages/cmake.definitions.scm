; See python.definitions.scm.

(function_command (argument_list . (argument) @name)) @function
(macro_command (argument_list . (argument) @name)) @function
