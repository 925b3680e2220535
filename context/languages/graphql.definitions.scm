; See python.definitions.scm.

(object_type_definition (name) @name) @class
(interface_type_definition (name) @name) @interface
(enum_type_definition (name) @name) @enum
(input_object_type_definition (name) @name) @class
(union_type_definition (name) @name) @type
(scalar_type_definition (name) @name) @type
(field_definition (name) @name) @field
(fragment_definition (fragment_name (name) @name)) @function
